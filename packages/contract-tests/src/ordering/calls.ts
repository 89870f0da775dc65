import type { ContractCase } from '../case.ts'
import { check, checkOrder, NotExamined, show } from '../kit/assert.ts'
import { keyOf, type Handled } from '../kit/broker-kit.ts'
import { ordered } from '../kit/capabilities.ts'
import { numbered } from '../kit/messages.ts'
import { interleaved } from './keys.ts'

const callsInOrder: ContractCase = {
  id: 'ordering/calls-in-order',
  title: 'messages of a key in calls of send that are out at once arrive in the order of the calls, the first call of a sender included',
  examines: ['ordering', 'callOrder', 'maxBatch'],
  kills: ['first-call-overtaken', 'calls-overtaken'],
  keyed: true,
  applies: (capabilities) => ordered(capabilities) && capabilities.callOrder === 'kept' && capabilities.maxBatch.inFlight > 1,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const sender = session.sender(place)
    const bodies = numbered('m', Math.min(8, place.capabilities.maxBatch.inFlight))
    const calls = bodies.map((body) => sender.send([session.outgoing({ body, key: 'a' })], new AbortController().signal))
    const answers = (await context.waiting.answered(Promise.all(calls), 'calls of send')).flat()
    check(
      answers.every(({ ok }) => ok),
      () => `all are taken; got ${show(answers)}`,
    )
    const inbox = await session.receive(place, { react: () => 'ack' })
    await context.waiting.eventually(
      () => inbox.has(bodies),
      () => `all arrive; only ${show(inbox.distinct())} did`,
      context.harness.bounds.arrivalMs * 2,
    )
    checkOrder(inbox.texts(), bodies, 'order of arrival')
  },
}

const pipelined: ContractCase = {
  id: 'ordering/pipelined',
  title: 'what a producer sends in pipelined order arrives in the order sent for each key, even where a call of send comes to the broker late',
  examines: ['ordering', 'callOrder'],
  kills: ['calls-overtaken'],
  keyed: true,
  applies: ordered,
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const producer = broker.producer(place.destination, { sendOrder: 'pipelined' })
    await producer.send('a:0')
    const { faults } = context.harness
    await faults?.delayNextSend?.(place.name)
    const bodies = interleaved(['a', 'b'], 20).map(({ body }) => body)
    const answers = await context.waiting.answered(producer.sendBatch(bodies), 'the batch')
    check(
      answers.every(({ ok }) => ok),
      () => `all are sent; got ${show(answers)}`,
    )
    const handled: Handled[] = []
    await broker.consume(place.source, context.api.recording(handled))
    const texts = (): string[] => [...new Set(handled.map(({ text }) => text))]
    await context.waiting.eventually(
      () => texts().length === bodies.length + 1,
      () => `all are handled; only ${show(texts())} were`,
      context.harness.bounds.arrivalMs * 2,
    )
    for (const key of ['a', 'b']) {
      const ofKey = (text: string): boolean => keyOf(text) === key
      checkOrder(texts().filter(ofKey), ['a:0', ...bodies].filter(ofKey), `order of key ${key}`)
    }
    const { callOrder } = (await context.place()).capabilities
    if (callOrder === 'none' && !faults?.delayNextSend) throw new NotExamined('the harness cannot cause: delayNextSend')
  },
}

export const callCases: readonly ContractCase[] = [callsInOrder, pipelined]
