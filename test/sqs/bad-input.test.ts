import { CreateQueueCommand, DeleteQueueCommand, GetQueueUrlCommand, SQSClient } from '@aws-sdk/client-sqs'
import { createBroker, queue, text, type Broker, type BrokerOptions } from '@busbar/core'
import { sqs, type SqsOptions } from '@busbar/sqs'
import { buildApp } from 'fauxqs'
import { afterAll, afterEach, expect, it, vi } from 'vitest'

const app = buildApp({ logger: false })
const endpoint = await app.listen({ port: 0, host: '127.0.0.1' })
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
const region = 'us-east-1'
const client = new SQSClient({ endpoint, region, credentials })
afterAll(async () => {
  client.destroy()
  await app.close()
})
afterEach(() => vi.unstubAllEnvs())

const work = queue<string>('bad-input', { codec: text })

function brokerWith(options: SqsOptions, provision: BrokerOptions['provision'] = 'verify'): Broker {
  return createBroker({ driver: sqs({ endpoint, waitTimeMs: 1_000, retryMaxMs: 200, ...options }), destinations: [work], provision, log: () => undefined })
}

/** A machine that knows neither region nor credentials. */
function withoutIdentity(): void {
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE']) vi.stubEnv(name, undefined)
  for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/nonexistent')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
}

it('says that there is no region before anything is sent', async () => {
  withoutIdentity()
  await expect(brokerWith({ credentials }).start()).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringMatching(/region/i) })
})

it('says that there are no credentials before anything is sent', async () => {
  withoutIdentity()
  await expect(brokerWith({ region }).start()).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringMatching(/credentials/i) })
})

it('names the queue that is missing, and makes none unless it is told to', async () => {
  await expect(brokerWith({ region, credentials }).start()).rejects.toMatchObject({ message: expect.stringContaining('bad-input') })
  await expect(client.send(new GetQueueUrlCommand({ QueueName: 'bad-input' }))).rejects.toThrow()
})

it('goes on with a queue that was deleted while it was consumed and is made again, without losing what is sent then', async () => {
  await using broker = brokerWith({ region, credentials }, 'create')
  const seen: string[] = []
  await broker.consume(work, ({ body }) => void seen.push(body))
  const producer = broker.producer(work)
  await producer.send('before')
  await vi.waitUntil(() => seen.includes('before'), 5_000)
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: 'bad-input' }))
  await client.send(new DeleteQueueCommand({ QueueUrl }))
  await expect(producer.send('into nowhere', { timeoutMs: 1_000 })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  await vi.waitUntil(async () => !(await broker.health()).ok, 5_000)
  await client.send(new CreateQueueCommand({ QueueName: 'bad-input' }))
  await producer.send('after')
  await vi.waitUntil(() => seen.includes('after'), 5_000)
  await vi.waitUntil(async () => (await broker.health()).ok, 5_000)
})
