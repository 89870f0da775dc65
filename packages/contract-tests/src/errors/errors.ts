import { isBrokerError, type BrokerError } from '@busbar/core'
import type { SendResult } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Place } from '../kit/place.ts'
import { describe, rejectionOf } from '../kit/refusal.ts'
import type { Session } from '../kit/session.ts'

const sendToMissing: ContractCase = {
  id: 'errors/send-to-missing',
  title: 'a send to a destination that does not exist answers ERR_NOT_FOUND or ERR_UNROUTABLE, never ok',
  examines: ['confirms'],
  kills: ['missing-destination-swallowed', 'wrong-code-for-missing'],
  applies: ({ confirms }) => confirms,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const destination = context.endpoint(context.uniqueName('missing'))
    const error = await failureOf(context, session, { ...place, destination, source: destination }, 'm-1')
    check(['ERR_NOT_FOUND', 'ERR_UNROUTABLE'].includes(error.code), () => `its code is ERR_NOT_FOUND or ERR_UNROUTABLE, not ${error.code}`)
    check(!error.retryable, 'it is not retryable')
  },
}

const receiveFromMissing: ContractCase = {
  id: 'errors/receive-from-missing',
  title: 'receiving from a source that does not exist rejects with ERR_NOT_FOUND',
  examines: [],
  kills: ['missing-source-swallowed'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const source = context.endpoint(context.uniqueName('missing'), {}, context.kind === 'queue' ? undefined : { name: 'sub-1' })
    const error = await rejectionOf(
      () => context.waiting.settled(session.receive({ ...place, source }), 'receiving from nowhere', context.harness.bounds.reconnectMs),
      'the start of a receiver whose source does not exist',
    )
    check(isBrokerError(error) && error.code === 'ERR_NOT_FOUND', () => `it rejects with ERR_NOT_FOUND; got ${describe(error)}`)
  },
}

const brokerErrors: ContractCase = {
  id: 'errors/branded',
  title: 'errors of the driver are BrokerErrors that name the driver and hold no message body',
  examines: [],
  kills: ['error-without-driver', 'error-shows-body', 'error-of-its-own'],
  applies: ({ confirms }) => confirms,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const destination = context.endpoint(context.uniqueName('missing'))
    const error = await failureOf(context, session, { ...place, destination, source: destination }, 'secret-body-4711')
    check(
      error.driver !== undefined && error.driver !== '' && context.harness.createDriver().name.startsWith(error.driver),
      () => `it names its driver; got ${show(error.driver)}`,
    )
    check(!`${error.message} ${show(error)}`.includes('secret-body'), 'it does not show the body')
  },
}

const afterClose: ContractCase = {
  id: 'errors/after-close',
  title: 'a send on a closed sender is answered with a failure, and closing twice is harmless',
  examines: [],
  kills: ['send-after-close-ok', 'send-after-close-hangs'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const sender = session.sender(place)
    await session.send(place, ['before'])
    await sender.close()
    await sender.close()
    const answers = await context.waiting.settled(
      sender.send([session.outgoing({ body: 'after' })], new AbortController().signal),
      'a send after close',
      context.harness.bounds.reconnectMs,
    )
    const [answer] = answers
    check(answers.length === 1 && answer?.ok === false, () => `the send fails; got ${show(answers)}`)
    check(answer.error.code === 'ERR_CLOSED', () => `its code is ERR_CLOSED, not ${answer.error.code}`)
  },
}

const abortedConnect: ContractCase = {
  id: 'errors/aborted-connect',
  title: 'connecting with a signal that has fired rejects with an AbortError',
  examines: [],
  kills: ['abort-of-connect-ignored'],
  async run(context) {
    const error = await rejectionOf(async () => {
      const link = await context.harness.createDriver().connect(context.services(), AbortSignal.abort())
      context.defer(() => link.close())
    }, 'connecting with a signal that has fired')
    check(error instanceof Error && error.name === 'AbortError', () => `it rejects with an AbortError; got ${describe(error)}`)
  },
}

const closedBroker: ContractCase = {
  id: 'errors/closed-broker',
  title: 'after close, sending and consuming reject with ERR_CLOSED',
  examines: [],
  kills: ['close-hangs'],
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const producer = broker.producer(place.destination)
    await producer.send('before')
    await context.waiting.settled(broker.close(), 'close', context.harness.bounds.reconnectMs)
    const error = await rejectionOf(() => producer.send('after'), 'a send after close')
    check(isBrokerError(error) && error.code === 'ERR_CLOSED', () => `send rejects with ERR_CLOSED; got ${describe(error)}`)
  },
}

export const errorCases: readonly ContractCase[] = [sendToMissing, receiveFromMissing, brokerErrors, afterClose, abortedConnect, closedBroker]

/** A driver may say so when the sender is made, or answer it to the send. */
async function failureOf(context: CaseContext, session: Session, place: Place, body: string): Promise<BrokerError> {
  let results: readonly SendResult[]
  try {
    results = await context.waiting.settled(session.trySend(place, [{ body }]), 'a send to nowhere', context.harness.bounds.reconnectMs)
  } catch (error) {
    check(isBrokerError(error), () => `the error is a BrokerError; got ${describe(error)}`)
    return error
  }
  const [result] = results
  check(result?.ok === false, 'the send fails')
  check(isBrokerError(result.error), () => `the error is a BrokerError; got ${describe(result.error)}`)
  return result.error
}
