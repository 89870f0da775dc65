import { setTimeout as sleep } from 'node:timers/promises'
import type { Outgoing, Sender } from '@busbar/core/driver'
import { messageOf, sendSurely } from './link.ts'

/** With their numbers as bodies. */
export function messages(count: number, from: number = 0): Outgoing[] {
  return Array.from({ length: count }, (_, index) => messageOf(String(from + index)))
}

/** Sends in calls of 50, four at a time with a pause between, and repeats what is not confirmed. */
export async function sendAll(sender: Sender, all: readonly Outgoing[]): Promise<void> {
  for (let from = 0; from < all.length; from += atOnce) {
    await sendTogether(sender, all.slice(from, from + atOnce))
    await sleep(5)
  }
}

/** The same for as long as it is wanted: whatever strikes meanwhile finds messages on their way. Answers how many were sent; their bodies are their numbers. */
export async function sendWhile(sender: Sender, wanted: () => boolean): Promise<number> {
  let count = 0
  for (; wanted(); count += atOnce) {
    await sendTogether(sender, messages(atOnce, count))
    await sleep(20)
  }
  return count
}

const atOnce = 200
const perCall = 50

async function sendTogether(sender: Sender, some: readonly Outgoing[]): Promise<void> {
  const calls = Array.from({ length: atOnce / perCall }, (_, index) => some.slice(index * perCall, (index + 1) * perCall))
  await Promise.all(calls.map((call) => sendSurely(sender, call)))
}
