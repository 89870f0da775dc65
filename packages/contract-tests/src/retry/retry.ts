import { retryLater, type Broker } from '@busbar/core'
import type { ContractCase } from '../case.ts'
import { check, checkEqual, show } from '../kit/assert.ts'
import type { Handled, TextPlace } from '../kit/broker-kit.ts'
import { holdMs } from '../kit/capabilities.ts'
import type { CaseContext } from '../kit/context.ts'
import { declaredRetry } from './quick-retry.ts'

const failing: ContractCase = {
  id: 'retry/handler-runs-again',
  title: 'a message whose handler throws is handled again, with attempts counted from 1, and acked when it succeeds',
  examines: ['redelivery'],
  kills: ['attempt-starts-at-one'],
  applies: ({ settlement }) => settlement !== false,
  waitsMs: () => 5_000,
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const handled: Handled[] = []
    await broker.consume(
      place.source,
      context.api.recording(handled, (message) => {
        if (message.attempt < 3) throw new Error('not yet')
      }),
    )
    await broker.producer(place.destination).send('only')
    await context.waiting.eventually(
      () => handled.some(({ message }) => message.attempt === 3),
      () => `it is handled a third time; starts ${show(handled.map(({ message }) => message.attempt))}`,
      10_000 + context.againMs(await context.place()),
    )
    checkEqual([...new Set(handled.map(({ message }) => message.attempt))].slice(0, 3), [1, 2, 3], 'attempts')
    await context.waiting.until(context.now + context.silenceMs(await context.place()))
    check(
      handled.filter(({ message }) => message.attempt >= 3).length <= 2,
      () => `after it succeeded it is acked; starts ${show(handled.map(({ message }) => message.attempt))}`,
    )
  },
}

const waits: ContractCase = {
  id: 'retry/waits-as-asked',
  title: 'retryLater waits as long as asked, wherever the wait is spent, short or long',
  examines: ['redelivery', 'lease'],
  kills: ['retry-delay-ignored'],
  applies: ({ settlement }) => settlement !== false,
  waitsMs: () => 6_000,
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    for (const waitMs of [200, 6_000]) {
      const handled: Handled[] = []
      const consumer = await broker.consume(
        place.source,
        context.api.recording(handled, (message) => (message.attempt === 1 ? retryLater(waitMs) : undefined)),
      )
      await broker.producer(place.destination).send(`wait ${waitMs}`)
      await context.waiting.eventually(
        () => handled.some(({ message }) => message.attempt === 2),
        'it is handled again',
        waitMs + 2_000 + context.againMs(await context.place()),
      )
      const [first] = handled
      const second = handled.find(({ message }) => message.attempt === 2)
      check(
        first !== undefined && second !== undefined && second.at - first.at >= waitMs - 1,
        () => `the second start comes at least ${waitMs} ms after the first, not ${(second?.at ?? 0) - (first?.at ?? 0)}`,
      )
      await context.waiting.settled(consumer.drain({ timeoutMs: 5_000 }), 'the drain of the consumer', 10_000)
    }
  },
}

const longHandler: ContractCase = {
  id: 'retry/long-handler',
  title: 'a handler that runs longer than the lease keeps its message: it is extended and not handled twice',
  examines: ['lease'],
  kills: ['lease-until-overstated', 'extend-no-op'],
  applies: ({ lease }) => lease !== false && lease.kind === 'message',
  waitsMs: (capabilities) => 3 * holdMs(capabilities),
  async run(context) {
    const { lease } = (await context.place()).capabilities
    check(lease !== false && lease.kind === 'message', 'messages have leases')
    const place = context.api.place()
    const [broker, other] = [await context.api.broker(place), await context.api.broker(place)]
    const handled: Handled[] = []
    let ended = 0
    const handle = context.api.recording(handled, async () => {
      await context.waiting.until(context.now + lease.ms * 2.5)
      ended++
      context.changes.notify()
    })
    await broker.consume(place.source, handle)
    await broker.producer(place.destination).send('slow')
    await context.waiting.eventually(() => handled.length >= 1, 'the handler runs', context.harness.bounds.arrivalMs)
    // Copies of the broker's own making start now; a lost lease shows later.
    await context.waiting.until(context.now + Math.min(context.harness.bounds.quietMs, lease.ms / 2))
    const copies = handled.length
    await other.consume(place.source, handle)
    await context.waiting.eventually(() => ended >= copies, 'the handler ends', lease.ms * 3)
    check(handled.length === copies, () => `it is not started again while it runs; it was, ${handled.length - copies} times`)
    await context.waiting.never(() => handled.length > copies, 'it is handled again after it was acked', lease.ms + context.harness.bounds.quietMs)
  },
}

const nack: ContractCase = {
  id: 'retry/explicit-outcomes',
  title: 'ack and nack of a message answer what happened, and nack brings it back with the next attempt, at once or after a long wait',
  examines: ['settlement', 'redelivery'],
  kills: ['retry-loses'],
  waitsMs: () => 6_000,
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const answers: string[] = []
    const handled: Handled[] = []
    // Long enough for core to leave the wait to a broker that can do it.
    const longMs = 6_000
    const consumer = await broker.consume(
      place.source,
      context.api.recording(handled, async (message) => {
        answers.push(await (message.attempt === 1 ? message.nack() : message.attempt === 2 ? message.nack({ delayMs: longMs }) : message.ack()))
        context.changes.notify()
      }),
    )
    await broker.producer(place.destination).send('only')
    await context.waiting.eventually(
      () => handled.some(({ message }) => message.attempt === 3) && answers.length >= 3,
      () => `it comes back after both, and all are answered; starts ${show(handled.map(({ message }) => message.attempt))}, answers ${show(answers)}`,
      longMs + context.againMs(await context.place()),
    )
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    check(
      answers.every((answer) => answer === 'durable' || answer === 'accepted'),
      () => `the answers are durable or accepted: ${show(answers)}`,
    )
    checkEqual([...new Set(handled.map(({ message }) => message.attempt))], [1, 2, 3], 'attempts')
    await context.waiting.settled(consumer.drain({ timeoutMs: 5_000 }), 'the drain of the consumer', 10_000)
    await nackHoldingNothing(context, place, broker)
  },
}

/** The same where nothing is to be held, so that the broker redelivers at once, if it can. */
async function nackHoldingNothing(context: CaseContext, place: TextPlace, broker: Broker): Promise<void> {
  const handled: Handled[] = []
  const answers: string[] = []
  await broker.consume(
    place.source,
    context.api.recording(handled, async (message) => {
      answers.push(await (message.attempt < 3 ? message.nack() : message.ack()))
      context.changes.notify()
    }),
    { use: [declaredRetry({ maxAttempts: 3, waitMs: 0, holdMs: 0 })] },
  )
  await broker.producer(place.destination).send('held nowhere')
  await context.waiting.eventually(
    () => handled.some(({ message }) => message.attempt === 3),
    () => `it comes back at once, twice; starts ${show(handled.map(({ message }) => message.attempt))}`,
    2 * context.againMs(await context.place()),
  )
  await context.waiting.until(context.now + context.harness.bounds.quietMs)
  check(
    answers.length >= 3 && answers.every((answer) => answer === 'durable' || answer === 'accepted'),
    () => `the answers are durable or accepted where nothing is held: ${show(answers)}`,
  )
  checkEqual([...new Set(handled.map(({ message }) => message.attempt))], [1, 2, 3], 'attempts where nothing is held')
}

export const handlerRetryCases: readonly ContractCase[] = [failing, waits, longHandler, nack]
