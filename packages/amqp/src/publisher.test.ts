import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import type { Publication } from './confirms.ts'
import type { ConnectionListener, ConnectionManager } from './connection-manager.ts'
import { Publisher } from './publisher.ts'
import { services } from './test-support/services.ts'

/** A publisher whose channel is opened when the test says so. */
function publisherWith(): { readonly publisher: Publisher; readonly open: () => void; readonly lose: () => void; readonly confirm: (tag: number) => void } {
  const listeners: ConnectionListener[] = []
  const handlers = new Map<string, (answer: { deliveryTag: number; multiple: boolean }) => void>()
  const channel = { on: (event: string, handler: () => void) => void handlers.set(event, handler) }
  const opening = Promise.withResolvers<unknown>()
  const connection = { lost: false, blocked: false, openConfirmChannel: () => opening.promise, gatherPublished: () => undefined }
  const manager = {
    connection: connection as unknown,
    blocked: false,
    failed: false,
    reason: new Error('down'),
    listen: (listener: ConnectionListener) => listeners.push(listener),
  }
  const publisher = new Publisher('queue orders', manager as unknown as ConnectionManager, services)
  return {
    publisher,
    open: () => opening.resolve(channel),
    lose: () => {
      manager.connection = undefined
      for (const listener of listeners) listener.onLost?.(manager.reason as never)
    },
    confirm: (deliveryTag) => handlers.get('ack')?.({ deliveryTag, multiple: false }),
  }
}

const publication: Publication = { size: 1, refusal: 'no', idOf: () => 'a', bytesOf: () => 1, publish: () => undefined }

it('keeps nothing of a message that has waited for its channel, however long its signal lives', async () => {
  const { publisher, open, confirm } = publisherWith()
  const { signal } = new AbortController()
  const sent = [publisher.send(publication, signal), publisher.send(publication, signal)]
  open()
  await new Promise(setImmediate)
  for (const tag of [1, 2]) confirm(tag)
  expect(await Promise.all(sent)).toEqual([[{ ok: true }], [{ ok: true }]])
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

it('nor of one that was refused while it waited', async () => {
  const { publisher, lose } = publisherWith()
  const { signal } = new AbortController()
  const sent = publisher.send(publication, signal)
  lose()
  expect(await sent).toMatchObject([{ ok: false, stored: 'no' }])
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

it('refuses what waits for its channel when its signal fires, and sends it no more', async () => {
  const { publisher, open } = publisherWith()
  const controller = new AbortController()
  let published = 0
  const sent = publisher.send({ ...publication, publish: () => void published++ }, controller.signal)
  controller.abort()
  expect(await sent).toMatchObject([{ ok: false, stored: 'no', error: { code: 'ERR_TIMEOUT' } }])
  open()
  await new Promise(setImmediate)
  expect(published).toBe(0)
})
