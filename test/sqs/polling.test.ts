import { queue, text, type StandardSchema } from '@busbar/core'
import { GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs'
import { beforeEach, expect, it, vi } from 'vitest'
import { brokerOn, connection, unique, wire } from './support/wire.ts'

beforeEach(() => wire.calls.reset())

const anyText: StandardSchema<string> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: String(value) }) } }
const longPoll = { waitTimeMs: 20_000 }

it('ends long polls at once when it is drained, and leaves nothing in flight', async () => {
  const work = queue<string>(unique('work'), { codec: text })
  const broker = brokerOn([work], longPoll)
  const consumer = await broker.consume(work, () => undefined)
  await vi.waitUntil(() => wire.calls.count('ReceiveMessage') > 0, 5_000)
  const startedAt = performance.now()
  await consumer.drain()
  expect(performance.now() - startedAt).toBeLessThan(2_000)
  // What is sent before SQS has noticed is hidden for a visibility timeout.
  await new Promise((resolve) => setTimeout(resolve, 300))
  await broker.producer(work).send('later')
  expect(await broker.stats(work)).toMatchObject({ ready: 1, inFlight: 0 })
  await broker.drain()
})

it('leaves no poll behind of consumers that end as soon as they have begun, and is well', async () => {
  const work = queue<string>(unique('work'), { codec: text })
  await using broker = brokerOn([work], longPoll)
  await broker.start()
  for (let waitMs = 0; waitMs < 20; waitMs += 2) {
    const consumer = await broker.consume(work, () => undefined)
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    await consumer.pause()
    expect(await broker.health()).toMatchObject({ ok: true })
    await consumer.drain()
  }
  await new Promise((resolve) => setTimeout(resolve, 300))
  await broker.producer(work).send('later')
  expect(await broker.stats(work)).toMatchObject({ ready: 1, inFlight: 0 })
  expect(await broker.health()).toMatchObject({ ok: true })
})

it('polls on sockets of its own: as many waiting consumers as there are sockets for all else keep nothing from being sent', async () => {
  const queues = Array.from({ length: 70 }, () => queue<string>(unique('idle'), { codec: text }))
  const work = queue<string>(unique('work'), { codec: text })
  const routes = Object.fromEntries(queues.map(({ name }) => [name, { deadLetter: 'drop' as const }]))
  await using broker = brokerOn([work, ...queues], longPoll, { routes })
  await Promise.all(queues.map((idle) => broker.consume(idle, () => undefined)))
  await vi.waitUntil(() => wire.calls.count('ReceiveMessage') >= 70, 10_000)
  const startedAt = performance.now()
  await broker.producer(work).send('hello')
  expect(performance.now() - startedAt).toBeLessThan(2_000)
})

it('has one reply queue for all requests of a process, whatever is asked, and deletes it in the end', async () => {
  const [prices, stocks] = [queue(unique('prices'), { schema: anyText, reply: anyText }), queue(unique('stocks'), { schema: anyText, reply: anyText })]
  const [asking, answering] = [brokerOn([prices, stocks]), brokerOn([prices, stocks])]
  await asking.start()
  await answering.consume(prices, ({ body }) => `price of ${body}`)
  await answering.consume(stocks, ({ body }) => `stock of ${body}`)
  wire.calls.reset()
  const asked = Array.from({ length: 10 }, (_, index) => [asking.request(prices, `${index}`), asking.request(stocks, `${index}`)]).flat()
  expect(await Promise.all(asked)).toEqual(Array.from({ length: 10 }, (_, index) => [`price of ${index}`, `stock of ${index}`]).flat())
  expect(wire.calls.count('CreateQueue')).toBe(1)
  const name = wire.calls.pairs().find(({ action }) => action === 'CreateQueue')?.resource ?? ''
  expect(name).toMatch(/^busbar-reply-/)
  const client = new SQSClient(connection)
  expect((await client.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl).toContain(name)
  await asking.drain()
  await expect(client.send(new GetQueueUrlCommand({ QueueName: name }))).rejects.toMatchObject({ name: 'QueueDoesNotExist' })
  client.destroy()
  await answering.drain()
})
