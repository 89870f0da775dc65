import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import { numbered } from '../kit/messages.ts'
import { holdMs } from '../kit/capabilities.ts'

const endsInOutage: ContractCase = {
  id: 'reconnect/ends-in-outage',
  title: 'in an outage settle, pause, hand-back and close come to their end, and what was not settled comes to the next consumer after it',
  examines: ['settlement', 'delivery'],
  kills: ['hand-back-waits-for-broker', 'settle-waits-for-broker'],
  applies: ({ settlement, delivery }) => settlement !== false && delivery === 'at-least-once',
  faults: ['outage'],
  waitsMs: holdMs,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 5)
    await session.send(place, bodies)
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.harness.bounds.arrivalMs)
    const [first] = inbox.arrivals
    check(first !== undefined, 'a message arrived')
    const outage = await context.fault('outage')()
    try {
      await context.waiting.until(context.now + Math.min(300, context.harness.bounds.quietMs))
      await inbox.settle([{ delivery: first.delivery, action: 'ack' }])
      await session.close()
    } finally {
      await outage.end()
    }
    const wanted = bodies.filter((body) => body !== first.text)
    const next = await (await context.connect()).receive(place)
    await context.waiting.eventually(
      () => next.has(wanted),
      () => `what was not settled comes to the next consumer; only ${show(next.distinct())} did`,
      context.harness.bounds.reconnectMs + context.againMs(place),
    )
  },
}

export const endingCases: readonly ContractCase[] = [endsInOutage]
