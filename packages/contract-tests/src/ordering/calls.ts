import type { ContractCase } from '../case.ts'
import { check, checkOrder, show } from '../kit/assert.ts'
import { ordered } from '../kit/capabilities.ts'
import { numbered } from '../kit/messages.ts'

const callsInOrder: ContractCase = {
  id: 'ordering/calls-in-order',
  title: 'messages of a key in calls of send that are out at once arrive in the order of the calls, the first call of a sender included',
  examines: ['ordering', 'maxBatch'],
  kills: ['first-call-overtaken'],
  keyed: true,
  applies: (capabilities) => ordered(capabilities) && capabilities.maxBatch.inFlight > 1,
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

export const callCases: readonly ContractCase[] = [callsInOrder]
