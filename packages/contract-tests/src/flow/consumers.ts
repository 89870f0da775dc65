import type { ContractCase } from '../case.ts'
import { check } from '../kit/assert.ts'
import type { Handled } from '../kit/broker-kit.ts'
import { numbered } from '../kit/messages.ts'

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

export const consumerCases: readonly ContractCase[] = [competing, backPressure]
