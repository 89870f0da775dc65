import type { Endpoint } from '@busbar/core/driver'

/** Physical names that an endpoint stands for. */

/** Begins the names of what all programs share at a broker: the delay ladder and reply queues. */
const sharedPrefix = 'busbar.'

export function isShared(name: string): boolean {
  return name.startsWith(sharedPrefix)
}

/** The queue (or base name of the partition queues) that an endpoint is received from; a queue's own name. */
export function queueName(endpoint: Endpoint): string {
  return endpoint.subscription === undefined ? endpoint.name : `${endpoint.name}.${endpoint.subscription.name}`
}

export function partitionName(base: string, partition: number): string {
  return `${base}.p${partition}`
}

/** The base name, if `queue` may be a partition queue. */
export function partitionBase(queue: string): string | undefined {
  return /^(.+)\.p\d+$/s.exec(queue)?.[1]
}

export function partitionNames(base: string, partitions: number): string[] {
  return Array.from({ length: partitions }, (_, partition) => partitionName(base, partition))
}

/** Queue without messages: every process that shares the partitions holds one consumer on it, so that its consumer count is the number of members. */
export function membersName(base: string): string {
  return `${base}.members`
}

/** Exchange without messages that records the number of partitions. */
export function markerName(base: string): string {
  return `${base}.partitions`
}

/** Exchange between a topic and the queues of one subscription; another one for every filter. */
export function viaName(base: string, digest: string): string {
  return `${base}.via-${digest}`
}

/** Exchange without messages that records which of those is in use. */
export function filterName(base: string): string {
  return `${base}.filter`
}

/** Hexadecimal digits of a filter's digest. */
export const viaDigits = 12

/** Why a physical name is illegal, and what to do; `undefined` if all is well. Suffixes of ours must fit too. */
export function nameProblem(endpoint: Endpoint): string | undefined {
  const name = queueName(endpoint)
  if (endpoint.name === '') return 'the name is empty'
  if (endpoint.name.startsWith('amq.')) return 'names that begin with amq. belong to the broker'
  if (isShared(endpoint.name)) return `names that begin with ${sharedPrefix} belong to what all programs of this driver share, such as the delay ladder`
  const longest = endpoint.subscription !== undefined ? viaName(name, '0'.repeat(viaDigits)) : endpoint.keyed ? markerName(name) : name
  if (Buffer.byteLength(longest) > 255) return `names have at most 255 bytes, and ${longest.slice(0, 40)}… has ${Buffer.byteLength(longest)}`
  return undefined
}
