import type { Outgoing } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, checkEqual, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import { checkExamined, most, mostBytes } from '../kit/limits.ts'
import { numbered } from '../kit/messages.ts'
import type { Place } from '../kit/place.ts'
import type { Session } from '../kit/session.ts'

const atSizeLimit: ContractCase = {
  id: 'sending/at-size-limit',
  title: 'a message of exactly the largest size arrives whole',
  examines: ['maxMessageBytes'],
  kills: ['overclaims-max-message-bytes'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const { maxMessageBytes } = place.capabilities
    const bytes = Math.min(maxMessageBytes, mostBytes(context.harness))
    const message = ofSize(session, place, 'largest', bytes)
    const [answer] = await session.sender(place).send([message], new AbortController().signal)
    check(answer?.ok === true, () => `a message of ${bytes} bytes is taken; got ${show(answer)}`)
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.arrivals.length > 0, `a message of ${bytes} bytes arrives`, context.harness.bounds.arrivalMs)
    check(inbox.arrivals[0]?.text === message.body, 'it is whole')
    await inbox.settleAll('ack')
    checkExamined(maxMessageBytes, bytes, 'maxMessageBytes')
  },
}

const fullBatch: ContractCase = {
  id: 'sending/full-batch',
  title: 'one call of send takes as many messages as declared, and all arrive',
  examines: ['maxBatch'],
  kills: ['overclaims-max-batch-messages'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const { messages: claimed } = place.capabilities.maxBatch
    const bodies = numbered('m', Math.min(claimed, most.messages))
    const batch = bodies.map((body) => session.outgoing({ body }))
    await sendInOneCall(context, session, place, batch)
    const inbox = await session.receive(place, { react: () => 'ack' })
    const seen = (): number => new Set(inbox.texts()).size
    await context.waiting.eventually(
      () => seen() === bodies.length,
      () => `all ${bodies.length} messages of one call arrive; ${seen()} did`,
      context.harness.bounds.arrivalMs * 2,
    )
    checkExamined(claimed, bodies.length, 'maxBatch.messages')
  },
}

const batchBytes: ContractCase = {
  id: 'sending/batch-bytes',
  title: 'one call of send takes as many bytes as declared, and all arrive',
  examines: ['maxBatch'],
  kills: ['overclaims-max-batch-bytes'],
  applies: ({ maxBatch }) => maxBatch.messages > 1,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const { maxBatch, maxMessageBytes } = place.capabilities
    const bytes = Math.min(maxBatch.bytes, mostBytes(context.harness), maxBatch.messages * maxMessageBytes)
    const count = Math.max(2, Math.ceil(bytes / maxMessageBytes))
    const each = Math.floor(bytes / count)
    const batch = Array.from({ length: count }, (_, index) => ofSize(session, place, `b-${index}`, index === 0 ? bytes - each * (count - 1) : each))
    await sendInOneCall(context, session, place, batch)
    const inbox = await session.receive(place, { react: () => 'ack' })
    const seen = (): number => new Set(inbox.arrivals.map(({ delivery }) => delivery.incoming.id)).size
    await context.waiting.eventually(
      () => seen() >= count,
      () => `all ${count} messages of a call of ${bytes} bytes arrive; ${seen()} did`,
      context.harness.bounds.arrivalMs * 2,
    )
    checkExamined(Math.min(maxBatch.bytes, maxBatch.messages * maxMessageBytes), bytes, 'maxBatch.bytes')
  },
}

const concurrentSends: ContractCase = {
  id: 'sending/concurrent-calls',
  title: 'as many calls of send as declared can be out at once; every one is answered and its messages arrive',
  examines: ['maxBatch'],
  kills: ['concurrent-call-lost', 'answer-missing', 'overclaims-max-batch-in-flight'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const sender = session.sender(place)
    const { maxBatch } = place.capabilities
    const calls = Math.min(most.calls, maxBatch.inFlight)
    const size = Math.min(3, maxBatch.messages)
    const signal = new AbortController().signal
    const bodies = Array.from({ length: calls }, (_, call) => numbered(`call-${call}`, size))
    const answers = await Promise.all(
      bodies.map((batch) =>
        sender.send(
          batch.map((body) => session.outgoing({ body })),
          signal,
        ),
      ),
    )
    for (const answer of answers)
      checkEqual(
        answer.map(({ ok }) => ok),
        Array.from({ length: size }, () => true),
        'answers of one call',
      )
    const inbox = await session.receive(place, { react: () => 'ack' })
    await context.waiting.eventually(
      () => inbox.has(bodies.flat()),
      () => `all messages arrive; missing ${show(bodies.flat().filter((body) => !inbox.has([body])))}`,
      context.harness.bounds.arrivalMs,
    )
    checkExamined(maxBatch.inFlight, calls, 'maxBatch.inFlight')
  },
}

export const limitCases: readonly ContractCase[] = [atSizeLimit, fullBatch, batchBytes, concurrentSends]

/** A message that counts as exactly `bytes` at this backend. */
function ofSize(session: Session, place: Place, id: string, bytes: number): Outgoing {
  const sender = session.sender(place)
  const overhead = sender.sizeOf(session.outgoing({ body: 'x', id })) - 1
  const message = session.outgoing({ body: `${id}:`.padEnd(bytes - overhead, 'x'), id })
  checkEqual(sender.sizeOf(message), bytes, 'sizeOf grows by one with every character of a text')
  return message
}

/** The first call carries all of them; what the broker throttles is sent again. */
async function sendInOneCall(context: CaseContext, session: Session, place: Place, batch: readonly Outgoing[]): Promise<void> {
  let left = batch
  await context.waiting.poll(
    async () => {
      const answers = await session.sender(place).send(left, new AbortController().signal)
      const refused = answers.find((answer) => !answer.ok && answer.error.code !== 'ERR_THROTTLED')
      check(refused === undefined, () => `a call of ${left.length} messages is taken; got ${show(refused)}`)
      left = left.filter((_, index) => answers[index]?.ok !== true)
      return left.length
    },
    (count) => count === 0,
    (count) => `a call of ${batch.length} messages is taken in the end; ${count} are left`,
    context.harness.bounds.arrivalMs * 4,
    500,
  )
}
