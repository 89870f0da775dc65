import { setTimeout as sleep } from 'node:timers/promises'
import type { Outgoing, Sender } from '@busbar/core/driver'
import { messageOf, sendSurely } from './link.ts'

/** With their numbers as bodies. */
export function messages(count: number, from: number = 0): Outgoing[] {
  return Array.from({ length: count }, (_, index) => messageOf(String(from + index)))
}

/** Sends in calls of 50, four at a time with a pause between, and repeats what is not confirmed. */
export async function sendAll(sender: Sender, all: readonly Outgoing[], pauseMs: number = 5): Promise<void> {
  for (let from = 0; from < all.length; from += 200) {
    await Promise.all([0, 50, 100, 150].map((offset) => sendSurely(sender, all.slice(from + offset, from + offset + 50))))
    await sleep(pauseMs)
  }
}
