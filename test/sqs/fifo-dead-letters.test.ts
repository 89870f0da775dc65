import { GetQueueAttributesCommand, GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { deadLetter, queue, text, type Broker, type Queue } from '@busbar/core'
import { afterAll, expect, it, vi } from 'vitest'
import { brokerOn, connection, unique } from './support/wire.ts'

const client = new SQSClient(connection)
afterAll(() => client.destroy())

async function urlOf(name: string): Promise<string> {
  return (await client.send(new GetQueueUrlCommand({ QueueName: name }))).QueueUrl ?? ''
}

/** Makes dead letters of so many messages. */
async function giveUp(broker: Broker, source: Queue<string>, count: number): Promise<void> {
  let handled = 0
  const consumer = await broker.consume(source, () => {
    handled++
    return deadLetter('not wanted')
  })
  await vi.waitUntil(() => handled >= count, 10_000)
  await consumer.drain()
}

it('go to one queue, whether core gives them up or SQS moves them, and back to their groups from there', async () => {
  const name = unique('orders')
  const orders = queue<string>(name, { codec: text, orderingKey: (body) => body.slice(0, 1) })
  await using broker = brokerOn([orders], {}, { routes: { [name]: { maxAttempts: 3, options: { maxReceiveCount: 30 } } } })
  await broker.start()
  await expect(urlOf(`${name}-dead`)).rejects.toMatchObject({ name: 'QueueDoesNotExist' })
  const url = await urlOf(`${name}.fifo`)
  // A consumer that crashes whenever it has received the message.
  await broker.producer(orders).send('a: moved by SQS')
  const receive = { QueueUrl: url, VisibilityTimeout: 0, WaitTimeSeconds: 0 }
  for (let count = 0; count <= 30; count++) await client.send(new ReceiveMessageCommand(receive))
  await broker.producer(orders).send('a: given up')
  await giveUp(broker, orders, 1)
  const letters = broker.deadLetters(orders)
  const found = (await letters.peek({ max: 10 })).map(({ body, orderingKey, info }) => `${String(body)}, ${orderingKey}, ${info?.reason}`)
  expect(found).toEqual(['a: moved by SQS, a, undefined', 'a: given up, a, not wanted'])
  expect((await letters.redrive()).moved).toBe(2)
  const again: string[] = []
  await broker.consume(orders, ({ body, orderingKey, attempt }) => void again.push(`${body}, ${orderingKey}, ${attempt}`))
  await vi.waitUntil(() => again.length === 2, 5_000)
  expect(again).toEqual(['a: moved by SQS, a, 1', 'a: given up, a, 1'])
})

it('of messages without a key have groups of their own, so that none keeps back another', async () => {
  const name = unique('plain')
  const work = queue<string>(name, { codec: text })
  await using broker = brokerOn([work], {}, { routes: { [name]: { options: { fifo: true } } } })
  const bodies = Array.from({ length: 25 }, (_, index) => `m-${index}`)
  await broker.producer(work).sendBatch(bodies)
  await giveUp(broker, work, bodies.length)
  const seen = (await broker.deadLetters(work).peek({ max: 100 })).map(({ body }) => String(body))
  expect(seen.toSorted()).toEqual(bodies.toSorted())
  const { Attributes } = await client.send(new GetQueueAttributesCommand({ QueueUrl: await urlOf(`${name}-dead.fifo`), AttributeNames: ['All'] }))
  expect(Attributes).toMatchObject({ FifoQueue: 'true', MessageRetentionPeriod: '1209600' })
})
