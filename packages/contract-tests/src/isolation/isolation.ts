import type { ContractCase } from '../case.ts'
import { check, checkSameMembers } from '../kit/assert.ts'
import { holdMs } from '../kit/capabilities.ts'

const destinations: ContractCase = {
  id: 'isolation/destinations',
  title: 'a message arrives at its own destination only, however alike the names are',
  examines: [],
  kills: ['leaks-to-other-destinations'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const [one, two] = [await context.place(), await context.place()]
    const session = await context.connect()
    const first = await session.receive(one, { react: () => 'ack' })
    const second = await session.receive(two, { react: () => 'ack' })
    await session.send(one, ['for one'])
    await session.send(two, ['for two'])
    await context.waiting.eventually(() => first.has(['for one']) && second.has(['for two']), 'both arrive', context.harness.bounds.arrivalMs)
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    checkSameMembers(first.texts(), ['for one'], 'at the first destination')
    checkSameMembers(second.texts(), ['for two'], 'at the second destination')
  },
}

const settles: ContractCase = {
  id: 'isolation/settlements',
  title: 'settling in one destination leaves the messages of another alone, at the same place in their queues',
  examines: ['settlement'],
  kills: ['ack-by-number-across-destinations'],
  applies: ({ settlement }) => settlement !== false,
  waitsMs: holdMs,
  async run(context) {
    const [one, two] = [await context.place(), await context.place()]
    const session = await context.connect()
    const first = await session.receive(one)
    const second = await session.receive(two)
    await session.send(one, ['one-1', 'one-2'])
    await session.send(two, ['two-1', 'two-2'])
    await context.waiting.eventually(() => first.has(['one-1', 'one-2']) && second.has(['two-1', 'two-2']), 'all arrive', context.harness.bounds.arrivalMs)
    await first.settleAll('ack')
    const next = await context.takeOver(session, second)
    await context.waiting.eventually(() => next.inbox.has(['two-1', 'two-2']), "the other destination's messages come again", context.againMs(two))
    check(!next.inbox.has(['one-1']), 'nothing of the first destination arrives there')
  },
}

export const isolationCases: readonly ContractCase[] = [destinations, settles]
