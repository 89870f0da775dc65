import { bytes, connect, text, topic, type AnyDefinition, type Producer } from '@busbar/core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { sns, type SnsRouteOptions } from '@busbar/sns'
import { sqs } from '@busbar/sqs'
import { accountId, startSnsBed, type SnsBed } from './support/bed.ts'

let bed: SnsBed
beforeEach(async () => void (bed = await startSnsBed()))
afterEach(async () => {
  vi.unstubAllEnvs()
  await bed[Symbol.asyncDispose]()
})

const news = topic<string>('news', { codec: text })
const inbox = news.subscription('inbox')

async function producer(options: SnsRouteOptions = {}): Promise<Producer<string>> {
  const broker = bed.broker([news, inbox], { routes: { news: { deadLetter: 'drop', options: { ...options } } } })
  await broker.start()
  return broker.producer(news)
}

const headers = (count: number): Record<string, string> => Object.fromEntries(Array.from({ length: count }, (_, index) => [`h-${index}`, `v-${index}`]))

it('publishes ten messages in a call, and only what is refused for now again', async () => {
  const sender = await producer()
  bed.wire.faults.add({ action: 'PublishBatch', resource: 'news', fault: { kind: 'fail-entries', entries: [1, 3] } })
  const results = await sender.sendBatch(Array.from({ length: 10 }, (_, index) => `m-${index}`))
  expect(results.every(({ ok }) => ok)).toBe(true)
  expect(bed.wire.calls.count('PublishBatch', 'news')).toBe(2)
  const got = new Set<string | undefined>()
  for (let look = 0; look < 3; look++) (await bed.messages('news-inbox')).forEach(({ Body }) => got.add(Body))
  expect(got).toEqual(new Set(Array.from({ length: 10 }, (_, index) => `m-${index}`)))
})

it('does not repeat an entry that is at fault itself', async () => {
  const sender = await producer()
  bed.wire.faults.add({ action: 'PublishBatch', resource: 'news', fault: { kind: 'fail-entries', entries: [0], code: 'InvalidParameter', senderFault: true } })
  const results = await sender.sendBatch(['bad', 'good'])
  expect(results).toMatchObject([{ ok: false, stored: 'no', error: { code: 'ERR_INVALID', driver: 'sns', retryable: false } }, { ok: true }])
  expect(bed.wire.calls.count('PublishBatch', 'news')).toBe(1)
})

it('lets no message be dropped for its headers: raw delivery takes ten attributes', async () => {
  const sender = await producer()
  await sender.send('many headers', { headers: headers(30) })
  await using broker = bed.broker([inbox], { routes: { news: { deadLetter: 'drop' } } })
  const seen: unknown[] = []
  await broker.consume(inbox, (message) => void seen.push({ ...message.headers }))
  await vi.waitUntil(() => seen.length > 0, 5_000)
  expect(seen).toEqual([headers(30)])
})

it('makes those headers attributes by which subscriptions filter, however many others there are', async () => {
  const filtered = news.subscription('filtered', { headerFilter: { tenant: ['acme'] } })
  const send = async (destinations: readonly AnyDefinition[], options: SnsRouteOptions): Promise<readonly unknown[]> => {
    await using broker = bed.broker(destinations, { routes: { news: { deadLetter: 'drop', options: { ...options } } } })
    await broker.producer(news).send('m', { headers: { ...headers(9), tenant: 'acme' } })
    return await bed.messages('news-filtered')
  }
  // A program that has the subscription too knows by what it filters.
  expect(await send([news, filtered], {})).toHaveLength(1)
  // The ninth and tenth are packed, and SNS sees nothing of them: for programs that only send there is the option.
  expect(await send([news], {})).toEqual([])
  expect(await send([news], { filterHeaders: ['tenant'] })).toHaveLength(1)
})

it('fills a call by bytes too: the sum of its messages is limited as each of them is', async () => {
  const sender = await producer()
  const results = await sender.sendBatch(Array.from({ length: 4 }, () => 'x'.repeat(120_000)))
  expect(results.every(({ ok }) => ok)).toBe(true)
  expect(bed.wire.calls.count('PublishBatch', 'news')).toBe(2)
})

it('takes larger messages where the topic is made for them', async () => {
  const sender = await producer({ maxMessageBytes: 1_048_576 })
  await sender.send('x'.repeat(900_000))
  expect(await bed.messages('news-inbox')).toMatchObject([{ Body: expect.stringMatching(/^x{900000}$/) }])
})

it('narrows what a message may have to what the topic takes', async () => {
  await producer()
  await using broker = bed.broker([news], { provision: 'none', routes: { news: { options: { maxMessageBytes: 1_048_576 } } } })
  await expect(broker.producer(news).send('x'.repeat(300_000))).rejects.toMatchObject({ code: 'ERR_TOO_LARGE' })
  // Together they would be too large for one call.
  const results = await broker.producer(news).sendBatch(Array.from({ length: 4 }, () => 'x'.repeat(100_000)))
  expect(results.map(({ ok }) => ok)).toEqual([true, true, true, true])
})

it('carries bytes, nothing at all, and characters that SQS does not take', async () => {
  const raw = topic<Uint8Array>('raw', { codec: bytes })
  const all = raw.subscription('all')
  await using broker = bed.broker([raw, all], { routes: { raw: { deadLetter: 'drop' } } })
  const seen: string[] = []
  await broker.consume(all, ({ body }) => void seen.push(Buffer.from(body).toString('hex')))
  for (const hex of ['00ff', '', 'efbfbf']) await broker.producer(raw).send(Buffer.from(hex, 'hex'))
  await vi.waitUntil(() => seen.length === 3, 5_000)
  expect(seen.sort()).toEqual(['', '00ff', 'efbfbf'])
})

it('publishes a header as subject, and refuses one that SNS does not take', async () => {
  const sender = await producer({ subjectHeader: 'about' })
  await sender.send('m', { headers: { about: 'Good news' } })
  await expect(sender.send('m', { headers: { about: 'two\nlines' } })).rejects.toMatchObject({
    code: 'ERR_INVALID',
    message: expect.stringContaining('subject'),
  })
  expect(await bed.messages('news-inbox')).toHaveLength(1)
})

it('hands the tenant on to the fair queues of a standard topic', async () => {
  const sender = await producer({ tenantHeader: 'tenant' })
  await sender.send('m', { headers: { tenant: 'acme' } })
  expect(await bed.messages('news-inbox')).toMatchObject([{ Attributes: { MessageGroupId: 'acme' } }])
})

it('keeps the order of a key and makes no duplicate when an answer is lost', async () => {
  const keyed = topic<string>('keyed', { codec: text, orderingKey: () => 'k' })
  const all = keyed.subscription('all')
  await using broker = bed.broker([keyed, all], { routes: { keyed: { deadLetter: 'drop' } } })
  await broker.start()
  bed.wire.faults.add({ action: 'PublishBatch', resource: 'keyed.fifo', fault: { kind: 'reset', when: 'after' } })
  const bodies = Array.from({ length: 12 }, (_, index) => `m-${index}`)
  await Promise.all(bodies.map((body) => broker.producer(keyed).send(body)))
  const seen: string[] = []
  await broker.consume(all, ({ body }) => void seen.push(body))
  await vi.waitUntil(() => seen.length >= 12, 5_000)
  expect(seen).toEqual(bodies)
})

it('drops what was sent twice under an id that was opted in', async () => {
  const once = topic<string>('once', { codec: text, orderingKey: () => 'k', deduplicationId: (body) => body })
  await using broker = bed.broker([once, once.subscription('all')], { routes: { once: { deadLetter: 'drop' } } })
  for (const body of ['a', 'a', 'b']) await broker.producer(once).send(body)
  expect((await bed.messages('once-all.fifo')).map(({ Body }) => Body)).toEqual(['a', 'b'])
})

it('works by configuration alone, with credentials and account from the environment', async () => {
  const { endpoint, region, credentials } = bed.wire
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey)
  vi.stubEnv('AWS_ACCOUNT_ID', accountId)
  const where = `${region}?endpoint=${encodeURIComponent(endpoint)}&waitTimeMs=1000`
  const [topics, queues] = [`sns://${where}`, `sqs://${where}`] as const
  const configuration = { driver: queues, routes: { news: { driver: topics, deadLetter: { driver: queues } } }, provision: 'create' as const }
  await using broker = await connect(configuration, { drivers: [sns, sqs], destinations: [news, inbox], log: () => undefined })
  const seen: string[] = []
  await broker.consume(inbox, ({ body }) => void seen.push(body))
  await broker.producer(news).send('hello')
  await vi.waitUntil(() => seen.length > 0, 5_000)
  expect(seen).toEqual(['hello'])
})
