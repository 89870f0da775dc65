import { retryLater, type Broker } from '@busbar/core'
import type { Capabilities } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import type { Handled, TextPlace } from '../kit/broker-kit.ts'
import { expectRefusal } from '../kit/refusal.ts'
import { declaredRetry } from './quick-retry.ts'

/** Longer than anything that ends. */
const tooLongMs = Number.MAX_SAFE_INTEGER

const bounded = ({ lease, settlement }: Capabilities): boolean =>
  settlement !== false && lease !== false && (lease.kind === 'message' || lease.maxHoldMs !== false)

const policyRefused: ContractCase = {
  id: 'retry/policy-refused',
  title: 'a policy whose waits cannot be kept is refused before the first message with the largest that fits, and that one is taken',
  examines: ['lease', 'redelivery'],
  kills: ['lease-without-end'],
  applies: bounded,
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    for (const what of ['waitMs', 'holdMs'] as const) {
      const fits = await largestThatFits(broker, place, what)
      await expectRefusal(() => consume(broker, place, what, fits + 1), place.name)
      const consumer = await consume(broker, place, what, fits)
      await context.waiting.settled(consumer.drain(), 'the drain', 10_000)
    }
  },
}

const longestWait: ContractCase = {
  id: 'retry/longest-wait',
  title: 'a wait as long as is not refused is as long as asked, and then the message comes again with the next attempt',
  examines: ['lease', 'redelivery'],
  kills: ['retry-delay-clamped'],
  applies: bounded,
  waitsMs: ({ lease, redelivery }) => {
    const held = lease === false ? 0 : lease.kind === 'message' ? lease.maxMs : lease.maxHoldMs || 0
    return Math.max(held, redelivery.delayed === false ? 0 : redelivery.delayed.maxMs)
  },
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const waitMs = await largestThatFits(broker, place, 'waitMs')
    const handled: Handled[] = []
    await broker.consume(
      place.source,
      context.api.recording(handled, ({ attempt }) => (attempt === 1 ? retryLater(waitMs) : undefined)),
      { use: [declaredRetry({ waitMs })] },
    )
    await broker.producer(place.destination).send('patient')
    await context.waiting.eventually(
      () => handled.some(({ message }) => message.attempt === 2),
      () => `it comes again; starts are ${show(handled.map(({ message }) => message.attempt))}`,
      waitMs + 60_000 + context.againMs(await context.place()),
    )
    const second = handled.find(({ message }) => message.attempt === 2)
    const waited = (second?.at ?? 0) - (handled[0]?.at ?? 0)
    check(waited >= waitMs - 1, () => `it waits ${waitMs} ms, not ${waited}`)
  },
}

export const policyCases: readonly ContractCase[] = [policyRefused, longestWait]

function consume(broker: Broker, { source }: TextPlace, what: 'waitMs' | 'holdMs', ms: number): ReturnType<Broker['consume']> {
  return broker.consume(source, () => undefined, { use: [declaredRetry({ waitMs: 0, [what]: ms })] })
}

/** As the refusal of one that cannot fit tells it. */
async function largestThatFits(broker: Broker, place: TextPlace, what: 'waitMs' | 'holdMs'): Promise<number> {
  const refusal = await expectRefusal(() => consume(broker, place, what, tooLongMs), place.name)
  const [, fits] = /largest that fits is (\d+)/.exec(refusal.message) ?? []
  check(fits !== undefined, () => `the refusal tells the largest ${what} that fits: ${refusal.message}`)
  return Number(fits)
}
