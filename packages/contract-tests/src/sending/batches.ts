import type { ContractCase } from '../case.ts'
import { check, checkSameMembers } from '../kit/assert.ts'
import { numbered } from '../kit/messages.ts'

const wholeBatch: ContractCase = {
  id: 'sending/batch-arrives',
  title: 'every message of every batch arrives, the first and the last too',
  examines: ['maxBatch'],
  kills: ['last-of-batch-lost', 'duplicate-bodies-merged', 'full-call-never-answered'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const full = Math.min(place.capabilities.maxBatch.messages, 100)
    const bodies = numbered('m', 2 * full + 1)
    await session.send(place, bodies)
    await session.send(
      place,
      Array.from({ length: 3 }, () => 'same body'),
    )
    const inbox = await session.receive(place, { react: () => 'ack' })
    const sameBody = (): number => new Set(inbox.arrivals.filter(({ text }) => text === 'same body').map(({ delivery }) => delivery.incoming.id)).size
    await context.waiting.eventually(
      () => inbox.has(bodies) && sameBody() === 3,
      () =>
        `all ${bodies.length} messages arrive and three with one body; missing ${JSON.stringify(bodies.filter((body) => !inbox.has([body])))}, same body: ${sameBody()}`,
      context.harness.bounds.arrivalMs,
    )
    checkSameMembers(inbox.distinct(), [...bodies, 'same body'], 'bodies')
  },
}

const partialFailure: ContractCase = {
  id: 'sending/partial-failure',
  title: 'when the broker refuses a part of a batch, exactly the messages answered ok arrive',
  examines: ['maxBatch', 'batchOrder'],
  kills: ['failure-attributed-to-neighbour', 'batch-fails-as-a-whole', 'refusal-swallowed', 'told-stored-and-refused', 'overclaims-batch-order'],
  applies: ({ maxBatch, confirms }) => maxBatch.messages >= 4 && confirms,
  faults: ['failPartOfNextSend'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await context.fault('failPartOfNextSend')(place.destination.name)
    const bodies = numbered('m', 4)
    const results = await session.trySend(
      place,
      bodies.map((body) => ({ body })),
    )
    const taken = bodies.filter((_, index) => results[index]?.ok === true)
    const refused = bodies.filter((_, index) => !taken.includes(bodies[index] ?? ''))
    check(taken.length > 0 && refused.length > 0, () => `some are taken and some are not: ${taken.length} and ${refused.length}`)
    check(
      place.capabilities.batchOrder === 'partial' || results.slice(results.findIndex(({ ok }) => !ok)).every(({ ok }) => !ok),
      () => `in an atomic batch nothing is stored after a message that is not; taken: ${taken.join(', ')}`,
    )
    check(
      results.every((result) => result.ok || result.stored === 'no'),
      'what the broker refused is answered stored: no',
    )
    const inbox = await session.receive(place)
    await context.waiting.eventually(
      () => inbox.has(taken),
      () => `all messages answered ok arrive: ${taken.join(', ')}; only ${inbox.distinct().join(', ')} did`,
      context.harness.bounds.arrivalMs,
    )
    await context.waiting.never(() => refused.some((body) => inbox.has([body])), 'a message answered stored: no arrives', context.harness.bounds.quietMs)
  },
}

const confirmedIsStored: ContractCase = {
  id: 'sending/confirmed-is-stored',
  title: 'a message whose send was answered ok survives the end of its connection in the same instant',
  examines: ['confirms'],
  kills: ['answered-before-stored'],
  applies: ({ confirms }) => confirms,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, numbered('m', 5))
    await session.close()
    const inbox = await (await context.connect()).receive(place)
    await context.waiting.eventually(
      () => inbox.has(numbered('m', 5)),
      () => `all confirmed messages arrive, ${inbox.distinct().length} of 5 did`,
      context.harness.bounds.arrivalMs,
    )
  },
}

const lostAnswer: ContractCase = {
  id: 'sending/lost-answer',
  title: 'a message that was handed over and never answered is reported as perhaps stored, not as sent and not as unsent',
  examines: ['confirms'],
  kills: ['lost-answer-reported-ok', 'lost-answer-reported-unsent'],
  applies: ({ confirms }) => confirms,
  faults: ['loseNextAnswer'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    // The connection, and all that is opened on it at the first send, must not be what gets lost.
    await session.send(place, ['before'])
    await context.fault('loseNextAnswer')(place.destination.name)
    const [result] = await context.waiting.settled(session.trySend(place, [{ body: 'm-1' }]), 'a send whose answer is lost', context.harness.bounds.reconnectMs)
    check(result?.ok === false && result.stored === 'unknown', () => `the answer is ok: false, stored: unknown; got ${JSON.stringify(result)}`)
    check(result.error.retryable, 'its error is retryable')
    const inbox = await (await context.connect()).receive(place)
    await context.waiting.eventually(() => inbox.has(['m-1']), 'this one was stored, and arrives', context.harness.bounds.arrivalMs)
  },
}

const abortedBeforehand: ContractCase = {
  id: 'sending/aborted-beforehand',
  title: 'a batch whose signal has fired before it is handed over is answered stored: no, and nothing of it arrives',
  examines: [],
  kills: ['send-rejects', 'abort-reported-but-stored', 'abort-ignored'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const answers = await session.sender(place).send([session.outgoing({ body: 'aborted' })], AbortSignal.abort())
    const [answer] = answers
    check(answer !== undefined && answers.length === 1, 'send answers once per message')
    check(!answer.ok && answer.stored === 'no', () => `a message that was never handed over is answered ok: false, stored: no; got ${JSON.stringify(answer)}`)
    await session.send(place, ['after'])
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(['after']), 'later messages arrive', context.harness.bounds.arrivalMs)
    await context.waiting.never(() => inbox.has(['aborted']), 'a message answered stored: no arrives', context.harness.bounds.quietMs)
  },
}

const identityIsFree: ContractCase = {
  id: 'sending/one-identity-twice',
  title: 'without deduplication two messages with one identity both arrive',
  examines: ['deduplication'],
  kills: ['identity-taken-for-repeat'],
  applies: ({ deduplication }) => deduplication === false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, [{ body: 'first', id: 'same' }])
    await session.send(place, [{ body: 'second', id: 'same' }])
    const inbox = await session.receive(place, { react: () => 'ack' })
    await context.waiting.eventually(
      () => inbox.has(['first', 'second']),
      () => `both arrive; only ${inbox.distinct().join(', ')} did`,
      context.harness.bounds.arrivalMs,
    )
  },
}

export const batchCases: readonly ContractCase[] = [wholeBatch, partialFailure, confirmedIsStored, lostAnswer, abortedBeforehand, identityIsFree]
