import { createBroker, queue, text } from '@busbar/core'
import { sqs } from '@busbar/sqs'
import { afterAll, expect, it } from 'vitest'
import { startAwsWire } from '../brokers/aws-wire/index.ts'

const wire = await startAwsWire({ profile: 'sqs-standard' })
afterAll(() => wire[Symbol.asyncDispose]())

const messages = 300

it('handles all others while one message in a hundred takes for ever, in few more calls', async () => {
  const { endpoint, region, credentials } = wire
  const work = queue<string>('slow', { codec: text })
  await using broker = createBroker({ driver: sqs({ endpoint, region, credentials, waitTimeMs: 1_000 }), destinations: [work], provision: 'create' })
  await broker.producer(work).sendBatch(Array.from({ length: messages }, (_, index) => String(index)))
  const others = Promise.withResolvers<void>()
  const all = Promise.withResolvers<void>()
  let left = messages
  await broker.consume(
    work,
    async ({ body }) => {
      // The slow ones end when nobody else is left: whoever waits for them before he receives again waits for ever.
      if (Number(body) % 100 === 0) await others.promise
      left--
      if (left === messages / 100) others.resolve()
      if (left === 0) all.resolve()
    },
    { concurrency: 20, maxInFlight: 20 },
  )
  await all.promise
  await broker.drain()
  const calls = wire.calls.count('ReceiveMessage', 'slow') + wire.calls.count('DeleteMessageBatch', 'slow')
  expect(calls).toBeLessThanOrEqual(messages * 0.206 + 10)
}, 10_000)
