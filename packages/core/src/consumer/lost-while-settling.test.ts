import { expect, it } from 'vitest'
import type { Delivery, Incoming, SendResult } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { deadLetter } from '../outcome.ts'
import { setUp } from '../test-support/consumer-kit.ts'
import { turns } from '../test-support/turns.ts'

it('what is lost while its dead letter is written, and comes again after that, is acked and not handled again', async () => {
  let starts = 0
  const { driver, receiver, pass } = await setUp(() => {
    starts++
    return deadLetter('no')
  })
  const confirmed = Promise.withResolvers<void>()
  driver.onSend = (batch) => confirmed.promise.then(() => batch.map((): SendResult => ({ ok: true })))
  const body = '{"n":1,"customer":"a"}'
  const incoming = { id: 'm1', body, bodyBytes: body.length, headers: {}, key: 'a', attempt: 0 } as unknown as Incoming
  const deliver = (brokerAttempts: number): void => {
    const delivery: Delivery = { scope: receiver.scope, incoming, sameAs: 'identity of the broker', brokerAttempts, leaseUntil: undefined }
    receiver.intake.deliver([delivery])
  }
  deliver(1)
  await turns()
  receiver.intake.lost(receiver.scope, new BrokerError('ERR_TOO_LATE', 'gone'))
  confirmed.resolve()
  await pass(100)
  deliver(2)
  await pass(100)
  expect(starts).toBe(1)
  expect(receiver.settled.map(({ action }) => action)).toEqual(['ack', 'ack'])
  expect(driver.calls.filter((call) => call.startsWith('send keyed.dead'))).toEqual(['send keyed.dead 1'])
})
