import { createBroker, queue, text } from '@busbar/core'
import { sqs } from '@busbar/sqs'
import { buildApp } from 'fauxqs'
import { afterAll, beforeEach, expect, it } from 'vitest'

const calls = new Map<string, number>()
const app = buildApp({ logger: false })
app.addHook('onRequest', async ({ headers }) => {
  const name = String(headers['x-amz-target']).split('.').at(-1) ?? ''
  calls.set(name, (calls.get(name) ?? 0) + 1)
})
const endpoint = await app.listen({ port: 0, host: '127.0.0.1' })
afterAll(() => app.close())
beforeEach(() => calls.clear())

const messages = 1_000

it('moves a thousand messages in at most 306 calls, those that find an end included', async () => {
  const driver = sqs({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, waitTimeMs: 1_000 })
  const work = queue<string>('calls', { codec: text })
  await using broker = createBroker({ driver, destinations: [work], provision: 'create' })
  await broker.start()
  calls.clear()
  const bodies = Array.from({ length: messages }, (_, index) => `m-${index}`)
  const results = await broker.producer(work).sendBatch(bodies)
  expect(results.every(({ ok }) => ok)).toBe(true)
  const seen = new Set<string>()
  const { promise: done, resolve } = Promise.withResolvers<void>()
  // A backlog, because the emulator wakes every waiting receive for one message.
  await broker.consume(work, ({ body }) => {
    seen.add(body)
    if (seen.size === messages) resolve()
  })
  await done
  await broker.drain()
  const counted = ['SendMessageBatch', 'ReceiveMessage', 'DeleteMessageBatch', 'ChangeMessageVisibilityBatch'].map((name) => calls.get(name) ?? 0)
  const total = counted.reduce((sum, count) => sum + count, 0)
  expect(total, `send, receive, delete, change: ${counted.join(', ')}`).toBeLessThanOrEqual(306)
})
