import { GetQueueUrlCommand, ReceiveMessageCommand, SQSClient, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs'
import { deadLetter, isBrokerError, queue, text, type Broker, type Queue } from '@busbar/core'
import { sqs } from '@busbar/sqs'
import { afterAll, afterEach, expect, it, vi } from 'vitest'
import { startFauxqs } from '../brokers/fauxqs.ts'
import { brokerOn, connection, unique, wire } from './support/wire.ts'

const client = new SQSClient(connection)
afterAll(() => client.destroy())
afterEach(() => {
  wire.faults.clear()
  wire.calls.reset()
})

interface Site {
  readonly broker: Broker
  readonly work: Queue<string>
  readonly repairs: Queue<string>
  readonly deadArn: string
}

/** A queue with so many dead letters, and one to move them to. */
async function siteWith(count: number): Promise<Site> {
  const [work, repairs] = [queue<string>(unique('work'), { codec: text }), queue<string>(unique('repairs'), { codec: text })]
  const broker = brokerOn([work, repairs], {}, { routes: { [repairs.name]: { maxAttempts: 3, options: { maxReceiveCount: 30 } } } })
  const done = vi.fn<() => void>()
  const consumer = await broker.consume(work, () => {
    done()
    return deadLetter('broken')
  })
  await broker.producer(work).sendBatch(Array.from({ length: count }, (_, index) => `m-${index}`))
  await vi.waitUntil(() => done.mock.calls.length === count, 5_000)
  await consumer.drain()
  return { broker, work, repairs, deadArn: `arn:aws:sqs:${wire.region}:000000000000:${work.name}-dead` }
}

const failureOf = async (work: Promise<unknown>): Promise<unknown> => work.then(() => undefined).catch((error: unknown) => error)

it('costs no call per message, and repeats what is throttled on the way', async () => {
  const { broker, work, repairs } = await siteWith(30)
  await using _ = broker
  wire.calls.reset()
  wire.faults.add({ action: 'ListMessageMoveTasks', fault: { kind: 'error', name: 'RequestThrottled' }, times: 2 })
  expect(await broker.deadLetters(work).redrive({ native: true, to: repairs })).toEqual({ moved: 30, skipped: 0 })
  const { StartMessageMoveTask, ListMessageMoveTasks, SendMessageBatch } = wire.calls.byAction()
  expect([StartMessageMoveTask, SendMessageBatch, wire.calls.count('ReceiveMessage', `${work.name}-dead`)]).toEqual([1, undefined, 0])
  expect(ListMessageMoveTasks).toBeLessThanOrEqual(4)
})

it('leaves nothing that would hide a message from the operator when SQS takes it away from its new queue', async () => {
  const { broker, work, repairs } = await siteWith(1)
  await using _ = broker
  await broker.deadLetters(work).redrive({ native: true, to: repairs })
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: repairs.name }))
  // A consumer that crashes whenever it has received the message, thirty times: the next receive moves it.
  for (let count = 0; count <= 30; count++) await client.send(new ReceiveMessageCommand({ QueueUrl, VisibilityTimeout: 0 }))
  const letters = await broker.deadLetters(repairs).peek()
  expect(letters.map(({ body, info }) => [body, info])).toEqual([['m-0', undefined]])
  expect(await broker.deadLetters(repairs).redrive()).toEqual({ moved: 1, skipped: 0 })
  const seen: string[] = []
  await broker.consume(repairs, ({ body, headers }) => void seen.push(body, ...Object.keys(headers)))
  await vi.waitUntil(() => seen.length > 0, 5_000)
  expect(seen).toEqual(['m-0'])
})

it('is refused while another task moves from there, and that one goes on', async () => {
  const { broker, work, repairs, deadArn } = await siteWith(3)
  await using _ = broker
  await client.send(new StartMessageMoveTaskCommand({ SourceArn: deadArn, MaxNumberOfMessagesPerSecond: 1 }))
  const error = await failureOf(broker.deadLetters(work).redrive({ native: true, to: repairs }))
  expect(error).toMatchObject({ code: 'ERR_CONFLICT', message: expect.stringContaining('already a task running') })
  expect(wire.calls.count('CancelMessageMoveTask')).toBe(0)
})

it('is refused for a queue that is the dead-letter queue of none, with the remedy', async () => {
  const work = queue<string>(unique('work'), { codec: text })
  await using broker = brokerOn([work], {}, { routes: { [work.name]: { nativeLimit: false } } })
  await broker.start()
  const error = await failureOf(broker.deadLetters(work).redrive({ native: true, to: work }))
  expect(error).toMatchObject({ code: 'ERR_UNSUPPORTED', message: expect.stringMatching(/Dead Letter Queue.*nativeLimit/s) })
})

it('is refused where the endpoint has no such tasks, and says what is done without', async () => {
  const work = queue<string>(unique('work'), { codec: text })
  await using fauxqs = await startFauxqs()
  const { endpoint, region, credentials } = fauxqs
  await using broker = brokerOn([work], {}, { driver: sqs({ endpoint, region, credentials }) })
  await broker.start()
  const error = await failureOf(broker.deadLetters(work).redrive({ native: true, to: work }))
  expect(error).toMatchObject({ code: 'ERR_UNSUPPORTED', message: expect.stringMatching(/StartMessageMoveTask.*without native/s) })
})

it('says that the task goes on when the broker closes', async () => {
  const { broker, work, repairs } = await siteWith(3)
  const move = failureOf(broker.deadLetters(work).redrive({ native: true, to: repairs, ratePerSecond: 1 }))
  await vi.waitUntil(() => wire.calls.count('ListMessageMoveTasks') === 1, 5_000)
  await broker.close()
  expect(await move).toMatchObject({ code: 'ERR_CLOSED', message: expect.stringContaining('goes on') })
})

it.each([
  [{ ratePerSecond: 501 }, 'ERR_UNSUPPORTED', '1 to 500'],
  [{ ratePerSecond: 0.5 }, 'ERR_UNSUPPORTED', '1 to 500'],
  [{ where: () => true }, 'TypeError', 'where'],
  [{ max: 1 }, 'TypeError', 'max'],
  [{ to: undefined }, 'TypeError', 'explicit target'],
  [{ native: false as true }, 'TypeError', 'native'],
])('refuses %j before anything is moved', async (options, code, words) => {
  const [work, repairs] = [queue<string>(unique('work'), { codec: text }), queue<string>(unique('repairs'), { codec: text })]
  await using broker = brokerOn([work, repairs])
  const error = await failureOf(broker.deadLetters(work).redrive({ native: true, to: repairs, ...options } as never))
  expect([isBrokerError(error) ? error.code : (error as Error).name, String(error)]).toEqual([code, expect.stringContaining(words)])
  expect(wire.calls.count('StartMessageMoveTask')).toBe(0)
})

it('leaves the dead letters where they are when it may not move them', async () => {
  const { broker, work, repairs } = await siteWith(3)
  await using _ = broker
  wire.faults.add({ action: 'StartMessageMoveTask', fault: { kind: 'error', name: 'AccessDenied' } })
  expect(await failureOf(broker.deadLetters(work).redrive({ native: true, to: repairs }))).toMatchObject({ code: 'ERR_ACCESS_DENIED' })
  expect(await broker.deadLetters(work).peek()).toHaveLength(3)
})
