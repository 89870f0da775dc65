import { expect, it } from 'vitest'
import type { Control, ControlListener } from '../connection/control.ts'
import { mqttError } from '../errors.ts'
import { resolveOptions } from '../options.ts'
import { outgoing } from '../test-support/messages.ts'
import { never, services } from '../test-support/services.ts'
import { Publisher } from './publisher.ts'
import { MqttSender, type QueueCare } from './sender.ts'

const form = { topic: 'orders', protocolVersion: 5, envelope: false, qos: 1, retain: false } as const

/** A sender on a control connection that is down. */
function senderOf(queue?: QueueCare): { readonly sender: MqttSender; readonly fail: () => void } {
  const listeners: ControlListener[] = []
  const state = {
    ended: false,
    connection: undefined,
    reason: mqttError('ERR_UNAVAILABLE', 'down'),
    listen: (listener: ControlListener) => listeners.push(listener),
  }
  const publisher = new Publisher(state as unknown as Control, resolveOptions({ url: 'mqtt://localhost' }), services)
  const fail = (): void => {
    state.ended = true
    state.reason = mqttError('ERR_ACCESS_DENIED', 'not any more')
    for (const listener of listeners) listener.onEnded?.(state.reason)
  }
  return { sender: new MqttSender(form, 'taken', publisher, queue), fail }
}

it('is writable again once the link has failed for good, and says why it sends nothing', async () => {
  const { sender, fail } = senderOf()
  let told = 0
  sender.onWritable = () => told++
  expect(sender.writable).toBe(false)
  fail()
  expect([sender.writable, told]).toEqual([true, 1])
  expect(await sender.send([outgoing()], never)).toMatchObject([{ ok: false, stored: 'no', error: { code: 'ERR_ACCESS_DENIED' } }])
})

it('hands over nothing whose deadline passed while the queue was looked for', async () => {
  const { promise: checked, resolve } = Promise.withResolvers<void>()
  const { sender } = senderOf({ check: () => checked, onUnmatched: () => undefined })
  const deadline = new AbortController()
  const sent = sender.send([outgoing()], deadline.signal)
  deadline.abort()
  resolve()
  expect(await sent).toMatchObject([{ ok: false, stored: 'no', error: { code: 'ERR_TIMEOUT' } }])
})
