import { DeleteMessageBatchCommand, GetQueueUrlCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import { createBroker, topic, type Filter, type HeaderFilter, type Topic } from '@busbar/core'
import { sns } from '@busbar/sns'
import { buildApp } from 'fauxqs'
import { expect, it } from 'vitest'
import { startAwsWire } from '../brokers/aws-wire/index.ts'
import { accountId } from './support/bed.ts'

interface FilterVector {
  readonly rule: string
  readonly scope: 'body' | 'headers'
  readonly filter: object
  readonly matches: readonly unknown[]
  readonly misses: readonly unknown[]
}

/** Those by which core, and so the memory broker, is tested. One project of TypeScript sees nothing of the sources of another. */
const vectorsFile = new URL('../../packages/core/src/filter/filter-vectors.ts', import.meta.url)
const { filterVectors } = (await import(vectorsFile.href)) as { readonly filterVectors: readonly FilterVector[] }

interface Server {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** One document or set of headers, and whether the vector says that it matches. */
interface Trial {
  readonly value: unknown
  readonly matches: boolean
}

function trialsOf({ matches, misses }: FilterVector): Trial[] {
  const all = [...matches.map((value) => ({ value, matches: true })), ...misses.map((value) => ({ value, matches: false }))]
  // No message has nothing for a body.
  return all.filter(({ value }) => value !== undefined)
}

/** What a server answers otherwise than the vectors: `rule: value`. */
async function deviations(server: Server): Promise<string[]> {
  const client = new SQSClient(server)
  const routes = Object.fromEntries(
    filterVectors.map((_, index) => [`v${index}`, { deadLetter: 'drop' as const, options: { subscriptions: { all: { undelivered: false } } } }]),
  )
  const topics = filterVectors.map((_, index) => topic(`v${index}`))
  const subscriptions = filterVectors.map(({ scope, filter }, index) =>
    (topics[index] as Topic<unknown, unknown>).subscription('all', scope === 'body' ? { filter: filter as Filter } : { headerFilter: filter as HeaderFilter }),
  )
  await using broker = createBroker({ driver: sns({ ...server, accountId }), destinations: subscriptions, routes, provision: 'create', log: () => undefined })
  await broker.start()
  const found: string[] = []
  for (const [index, vector] of filterVectors.entries()) {
    const producer = broker.producer(topics[index] as Topic<unknown, unknown>)
    const trials = trialsOf(vector)
    for (const [number, { value }] of trials.entries()) {
      if (vector.scope === 'body') await producer.send(value, { headers: { number: String(number) } })
      else await producer.send('any', { headers: { number: String(number), ...(value as Record<string, string>) } }).catch(expectRefusal)
    }
    const arrived = await drain(client, `v${index}-all`)
    for (const [number, { value, matches }] of trials.entries())
      if (arrived.has(String(number)) !== matches) found.push(`${vector.rule}: ${JSON.stringify(value)}`)
  }
  client.destroy()
  return found
}

/** Of a header that a filter names and SNS cannot see. */
function expectRefusal(error: unknown): void {
  expect(error).toMatchObject({ code: 'ERR_INVALID', message: expect.stringContaining('filter') })
}

/** The numbers of the messages in a queue. */
async function drain(client: SQSClient, QueueName: string): Promise<ReadonlySet<string | undefined>> {
  const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName }))
  const numbers = new Set<string | undefined>()
  for (;;) {
    const { Messages = [] } = await client.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ['All'] }))
    if (Messages.length === 0) return numbers
    for (const { MessageAttributes } of Messages) numbers.add(MessageAttributes?.['number']?.StringValue)
    const Entries = Messages.map(({ ReceiptHandle }, index) => ({ Id: String(index), ReceiptHandle }))
    await client.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }))
  }
}

/** No attribute of SNS has an empty value, so that SNS would not see these headers: the messages are refused. */
const emptyHeaders: readonly string[] = ['operators on headers: {"tenant":"TEST","region":""}', 'exists on headers: {"a":""}']

it('SNS filters by the vectors of the memory broker, but for empty headers', async () => {
  await using wire = await startAwsWire()
  const { endpoint, region, credentials } = wire
  expect(await deviations({ endpoint, region, credentials })).toEqual(emptyHeaders)
})

/** What fauxqs compares otherwise than SNS: numbers and booleans with texts, elements of arrays, what is missing or null, nested `$or`. */
const otherwiseOnFauxqs: readonly string[] = [
  'exact number, not its text',
  'exact text, not the number',
  'true and false',
  'null is a value and does not match a missing key',
  'anything-but a number',
  'anything-but a list of numbers',
  'anything-but matches an array with any other element',
  'null or anything-but does not match a missing key',
  'numeric =',
  'exists true',
  'exists false',
  'exists false or a value',
  'cidr of IPv6 with an IPv4 tail',
  'exists false below what is not there',
  'an array matches if any element does',
  'an array of objects matches if one object satisfies the whole nested policy',
  'a key with dots is a name and a path',
  'exists with dots',
  '$or nests and may be nested',
  '$or with anything but policies is an ordinary key',
  'only JSON objects match',
  'inherited members are not there',
  'operators on headers',
  'exists on headers',
  'inherited members are no headers',
]

it('fauxqs filters by them too, but for what it compares otherwise than SNS', async () => {
  const app = buildApp({ logger: false })
  const endpoint = await app.listen({ port: 0, host: '127.0.0.1' })
  const found = await deviations({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } })
  await app.close()
  expect([...new Set(found.map((deviation) => deviation.slice(0, deviation.indexOf(': '))))]).toEqual(otherwiseOnFauxqs)
})
