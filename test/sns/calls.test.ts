import { text, topic } from '@busbar/core'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startSnsBed, type SnsBed } from './support/bed.ts'

let bed: SnsBed
beforeEach(async () => void (bed = await startSnsBed()))
afterEach(() => bed[Symbol.asyncDispose]())

const news = topic<string>('news', { codec: text })
const inbox = news.subscription('inbox')
const routes = { news: { deadLetter: 'drop' as const } }

/** All that the driver for SNS may call. */
const names = [
  'GetTopicAttributes',
  'CreateTopic',
  'SetTopicAttributes',
  'ListSubscriptionsByTopic',
  'GetSubscriptionAttributes',
  'Subscribe',
  'SetSubscriptionAttributes',
  'PublishBatch',
  'GetQueueUrl',
  'GetQueueAttributes',
  'CreateQueue',
  'SetQueueAttributes',
] as const

/** What was called since `before`, as the page of the adapter lists it. */
function callsSince(before: Readonly<Record<string, number>> = {}): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, bed.wire.calls.count(name) - (before[name] ?? 0)]).filter(([, count]) => count !== 0)) as Record<
    string,
    number
  >
}

it('needs these calls to make a topic with a subscription, to verify them, and to start without looking', async () => {
  await using made = bed.broker([news, inbox], { routes })
  await made.start()
  const created = callsSince()
  expect(created).toEqual({
    CreateQueue: 2,
    CreateTopic: 1,
    GetQueueAttributes: 3,
    GetQueueUrl: 7,
    GetTopicAttributes: 3,
    ListSubscriptionsByTopic: 1,
    SetQueueAttributes: 2,
    Subscribe: 1,
  })
  await using verified = bed.broker([news, inbox], { routes, provision: 'verify' })
  await verified.start()
  expect(callsSince(created)).toEqual({
    GetQueueAttributes: 3,
    GetQueueUrl: 3,
    GetSubscriptionAttributes: 1,
    GetTopicAttributes: 2,
    ListSubscriptionsByTopic: 1,
  })
  const before = callsSince()
  await using unasked = bed.broker([news, inbox], { routes, provision: 'none' })
  await unasked.start()
  expect(callsSince(before)).toEqual({
    GetQueueAttributes: 1,
    GetQueueUrl: 1,
    GetTopicAttributes: 1,
  })
})

it('asks for the topic alone where nothing is received', async () => {
  await using made = bed.broker([news, inbox], { routes })
  await made.start()
  const before = callsSince()
  await using sending = bed.broker([news], { provision: 'verify' })
  await sending.start()
  expect(callsSince(before)).toEqual({ GetTopicAttributes: 2 })
})

it('publishes a thousand messages in a hundred calls, and meters them', async () => {
  const metered = new Map<string, number>()
  const telemetry = {
    call: ({ driver, call, count }: { driver: string; call: string; count: number }) =>
      void metered.set(`${driver} ${call}`, (metered.get(`${driver} ${call}`) ?? 0) + count),
  }
  await using broker = bed.broker([news, inbox], { routes, telemetry })
  const results = await broker.producer(news).sendBatch(Array.from({ length: 1_000 }, (_, index) => `m-${index}`))
  expect(results.every(({ ok }) => ok)).toBe(true)
  expect(bed.wire.calls.count('PublishBatch', 'news')).toBe(100)
  expect(metered.get('sns PublishBatch')).toBe(100)
  expect(metered.get('sns CreateTopic')).toBe(1)
})

it('moves a thousand messages in at most 306 calls, those that find an end included', async () => {
  await using broker = bed.broker([news, inbox], { routes })
  await broker.producer(news).sendBatch(Array.from({ length: 1_000 }, (_, index) => `m-${index}`))
  let seen = 0
  const { promise, resolve } = Promise.withResolvers<void>()
  // All are acked at once, so that the calls do not depend on how busy this machine is.
  const handle = (): Promise<void> => {
    seen++
    if (seen === 1_000) resolve()
    return promise
  }
  await broker.consume(inbox, handle, { concurrency: 1_000, maxInFlight: 1_000 })
  await promise
  await broker.drain()
  const counted = ['PublishBatch', 'ReceiveMessage', 'DeleteMessageBatch', 'ChangeMessageVisibilityBatch'].map((name) => bed.wire.calls.count(name))
  const total = counted.reduce((sum, count) => sum + count, 0)
  expect(total, `publish, receive, delete, change: ${counted.join(', ')}`).toBeLessThanOrEqual(306)
})
