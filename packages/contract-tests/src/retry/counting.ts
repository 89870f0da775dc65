import { retryLater, type Message } from '@busbar/core'
import type { Capabilities } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, checkEqual, checkOrder, show } from '../kit/assert.ts'
import { keyOf, type Handled } from '../kit/broker-kit.ts'
import { declaredRetry } from './quick-retry.ts'

/** Long enough for core to leave the wait to a broker that can do it. */
const longMs = 6_000

/** Every way to ask for another start. */
const ways: Readonly<Record<string, (message: Message<string>, waitMs: number) => unknown>> = {
  throws: () => {
    throw new Error('not yet')
  },
  returns: (_message, waitMs) => retryLater(waitMs),
  'throws retryLater': (_message, waitMs) => {
    const thrown: unknown = retryLater(waitMs)
    throw thrown
  },
  nacks: (message, waitMs) => message.nack({ delayMs: waitMs }),
}

const alike: ContractCase = {
  id: 'retry/counts-alike',
  title: 'a thrown error, retryLater returned or thrown, and a nack count attempts alike, wherever the wait is spent, alone and one after the other',
  examines: ['redelivery'],
  kills: ['attempt-inflated', 'redelivery-forgets-attempts'],
  applies: ({ settlement }) => settlement !== false,
  waitsMs: () => longMs,
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const handled: Handled[] = []
    const mixed = [ways['nacks'], ways['returns'], ways['throws']]
    await broker.consume(
      place.source,
      context.api.recording(handled, (message) => {
        const way = message.body === 'mixed' ? mixed[message.attempt - 1] : message.attempt < 3 ? ways[message.body] : undefined
        return way?.(message, message.attempt === 1 ? longMs : 0)
      }),
    )
    const bodies = [...Object.keys(ways), 'mixed']
    for (const body of bodies) await broker.producer(place.destination).send(body)
    const attempts = (body: string): number[] => [...new Set(handled.filter(({ text }) => text === body).map(({ message }) => message.attempt))]
    await context.waiting.eventually(
      () => bodies.every((body) => attempts(body).includes(3)),
      () => `all are started a third time; starts are ${show(bodies.map((body) => [body, attempts(body)]))}`,
      longMs + 10_000 + context.againMs(await context.place()),
    )
    // The last of the mixed ones failed at the third start, which is the last by default.
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    for (const body of bodies) checkEqual(attempts(body), [1, 2, 3], `attempts of the one that ${body}`)
  },
}

const longestHold = ({ lease }: Capabilities): number => {
  if (lease === false) return Infinity
  const longest = lease.kind === 'message' ? lease.maxMs : lease.maxHoldMs
  return longest === false ? Infinity : longest
}

const heldTooLong: ContractCase = {
  id: 'retry/held-too-long',
  title:
    'a message whose waits are longer together than it can be held goes back in order and comes again with its count of attempts, after the waits that were asked for',
  examines: ['lease', 'ordering', 'keyHold'],
  kills: ['returned-behind-others', 'redelivery-forgets-attempts'],
  keyed: true,
  applies: (capabilities) => capabilities.ordering !== 'none' && capabilities.settlement !== false && longestHold(capabilities) !== Infinity,
  waitsMs: (capabilities) => 2 * longestHold(capabilities),
  async run(context) {
    const { capabilities } = await context.place()
    // Once it fits, and twice it does not.
    const waitMs = Math.floor(longestHold(capabilities) / 2)
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const handled: Handled[] = []
    const succeeded: string[] = []
    const producer = broker.producer(place.destination)
    for (const body of ['a:1', 'a:2', 'a:3', 'b:1']) await producer.send(body)
    await broker.consume(
      place.source,
      context.api.recording(handled, ({ body, attempt }) => {
        if (body === 'a:1' && attempt < 3) return retryLater(waitMs)
        succeeded.push(body)
        return undefined
      }),
      { use: [declaredRetry({ maxAttempts: 4, waitMs, declaredMs: 1, holdMs: waitMs })] },
    )
    await context.waiting.eventually(
      () => ['a:3', 'b:1'].every((body) => succeeded.includes(body)),
      () => `all are handled; starts are ${show(handled.map(({ text, message }) => [text, message.attempt]))}`,
      // Twice, for a broker that stores copies of its own.
      2 * (3 * waitMs + 60_000) + context.againMs(await context.place()),
    )
    const ofKey = succeeded.filter((body) => keyOf(body) === 'a')
    checkOrder(ofKey, ['a:1', 'a:2', 'a:3'], 'order of the key')
    checkOrder(
      [...new Set(handled.map(({ text }) => text))].filter((body) => keyOf(body) === 'a'),
      ['a:1', 'a:2', 'a:3'],
      'starts of the key',
    )
    const starts = handled.filter(({ text }) => text === 'a:1')
    checkEqual([...new Set(starts.map(({ message }) => message.attempt))], [1, 2, 3], 'attempts of the message that was held')
    const [first, second, third] = [1, 2, 3].map((attempt) => starts.find(({ message }) => message.attempt === attempt)?.at ?? NaN) as [number, number, number]
    check(second - first >= waitMs - 1, () => `the first wait is ${waitMs} ms, not ${second - first}`)
    check(third - second >= waitMs - 1, () => `the wait that did not fit is ${waitMs} ms all the same, not ${third - second}`)
    checkEqual([...new Set(handled.filter(({ text }) => text !== 'a:1').map(({ message }) => message.attempt))], [1], 'attempts of those behind it')
  },
}

export const countingCases: readonly ContractCase[] = [alike, heldTooLong]
