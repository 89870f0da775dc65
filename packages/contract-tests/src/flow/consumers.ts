import { isBrokerError } from '@busbar/core'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import type { Handled } from '../kit/broker-kit.ts'
import { numbered } from '../kit/messages.ts'
import { describe } from '../kit/refusal.ts'

const competing: ContractCase = {
  id: 'flow/competing-consumers',
  title: 'consumers of one source share its messages: each goes to one of them, and a consumer that joins gets some',
  examines: ['competingConsumers'],
  kills: ['every-consumer-gets-all', 'second-consumer-starved'],
  applies: ({ competingConsumers, settlement, ordering }) => competingConsumers && settlement !== false && ordering !== 'destination',
  async run(context) {
    const place = await context.place()
    const [one, two] = [await context.connect(), await context.connect()]
    const window = { messages: 3, bytes: 1_000_000 }
    const first = await one.receive(place, { window })
    const second = await two.receive(place, { window })
    const bodies = numbered('m', 30)
    await one.send(place, bodies)
    const both = (): string[] => [...first.texts(), ...second.texts()]
    await context.waiting.eventually(
      () => first.arrivals.length > 0 && second.arrivals.length > 0,
      'both consumers get messages',
      context.harness.bounds.arrivalMs,
    )
    first.react = () => 'ack'
    second.react = () => 'ack'
    await Promise.all([first.settleAll('ack'), second.settleAll('ack')])
    await context.waiting.eventually(() => bodies.every((body) => both().includes(body)), 'all messages arrive', context.againMs(place))
    const shared = first.distinct().filter((text) => second.distinct().includes(text))
    check(shared.length < bodies.length, () => `a message goes to one consumer (repeats apart); ${shared.length} of 30 went to both`)
  },
}

const joins: ContractCase = {
  id: 'flow/consumer-joins',
  title: 'a consumer that joins ends no other, and between them they get everything',
  examines: ['competingConsumers'],
  kills: ['overclaims-competing-consumers'],
  applies: ({ competingConsumers, settlement }) => competingConsumers && settlement !== false,
  async run(context) {
    const place = await context.place()
    const [one, two] = [await context.connect(), await context.connect()]
    const first = await one.receive(place, { react: () => 'ack' })
    await one.send(place, ['before'])
    await context.waiting.eventually(() => first.has(['before']), 'a message arrives', context.harness.bounds.arrivalMs)
    const second = await two.receive(place, { react: () => 'ack' })
    const bodies = numbered('m', 10)
    await one.send(place, bodies)
    await context.waiting.eventually(
      () => bodies.every((body) => first.has([body]) || second.has([body])),
      () => `all arrive at one of them; ${show(first.distinct())} and ${show(second.distinct())} did`,
      context.againMs(place),
    )
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    const fatal = [...first.failures, ...second.failures].find((failure) => failure.fatal)
    check(fatal === undefined, () => `neither fails; one did with ${fatal?.error.message}`)
  },
}

const exclusive: ContractCase = {
  id: 'flow/exclusive-consumer',
  title: 'where consumers do not share a source, a second one is refused, gets nothing while the first lives, or takes its place for good',
  examines: ['competingConsumers'],
  kills: ['shares-what-it-calls-exclusive'],
  applies: ({ competingConsumers, settlement }) => !competingConsumers && settlement !== false,
  async run(context) {
    const place = await context.place()
    const served: string[] = []
    const takes = (who: string) => (): 'ack' => {
      if (served.at(-1) !== who) served.push(who)
      return 'ack'
    }
    const one = await context.connect()
    const first = await one.receive(place, { react: takes('the first') })
    await one.send(place, ['before'])
    await context.waiting.eventually(() => first.has(['before']), 'a message arrives', context.harness.bounds.arrivalMs)
    const two = await context.connect()
    let refusal: unknown
    const second = await two.receive(place, { react: takes('the second') }).catch((error: unknown) => void (refusal = error))
    check(second !== undefined || isBrokerError(refusal), () => `a second consumer is refused by a BrokerError; got ${describe(refusal)}`)
    for (const body of numbered('m', 10)) {
      await one.send(place, [body])
      await context.waiting.eventually(() => first.has([body]) || second?.has([body]) === true, `${body} arrives at one of them`, context.againMs(place))
    }
    check(served.length <= 2, () => `they do not take turns: ${served.join(', then ')}`)
    if (served.length === 2)
      check(
        first.failures.some(({ fatal }) => fatal),
        'a consumer that was replaced is told',
      )
  },
}

const backPressure: ContractCase = {
  id: 'flow/back-pressure',
  title: 'a consumer holds no more than maxInFlight of a long backlog, and works it off',
  examines: ['settlement'],
  kills: ['window-ignored'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const bodies = numbered('m', 120)
    await broker.producer(place.destination).sendBatch(bodies)
    const handled: Handled[] = []
    let open = (): void => {}
    const gate = new Promise<void>((resolve) => (open = resolve))
    const consumer = await broker.consume(
      place.source,
      context.api.recording(handled, () => gate),
      { concurrency: 2, maxInFlight: 8 },
    )
    await context.waiting.eventually(() => handled.length > 0, 'a handler runs', context.harness.bounds.arrivalMs)
    await context.waiting.never(
      () => consumer.stats.held > 8,
      () => `${consumer.stats.held} messages are held where 8 are allowed`,
      context.harness.bounds.quietMs,
    )
    open()
    await context.waiting.eventually(
      () => new Set(handled.map(({ text }) => text)).size === bodies.length,
      () => `all messages are handled; ${new Set(handled.map(({ text }) => text)).size} of 120 were`,
      context.againMs(await context.place()) * 2,
    )
  },
}

export const consumerCases: readonly ContractCase[] = [competing, joins, exclusive, backPressure]
