import { createHash } from 'node:crypto'

/** Groups of messages without an ordering key: SQS FIFO queues take no message without a group, and a group of its own waits for no other message. */
export const unkeyedPrefix = 'busbar-unkeyed:'

export function unkeyedGroup(uniqueId: string): string {
  return unkeyedPrefix + uniqueId
}

/** The group of messages without an ordering key that are to be one: a queue with high throughput compares deduplication ids within a group alone. */
export function groupOfRepeats(deduplicationId: string): string {
  // A group's name is no longer than the id may be.
  return unkeyedGroup(createHash('sha256').update(deduplicationId).digest('hex'))
}

/** The ordering key of a message with this `MessageGroupId`. */
export function keyOfGroup(group: string): string | undefined {
  return group.startsWith(unkeyedPrefix) ? undefined : group
}

/** Does SQS take it as `MessageGroupId` or `MessageDeduplicationId`? */
export function isGroupId(text: string): boolean {
  return /^[!-~]{1,128}$/.test(text)
}

/** Ids that no other process and no other call makes. `random`: uniform in [0, 1). */
export function uniqueIds(random: () => number): () => string {
  let prefix = ''
  while (prefix.length < 24)
    prefix += Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  let count = 0
  return () => `${prefix}-${(count++).toString(36)}`
}
