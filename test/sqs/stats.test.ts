import { queue, text } from '@busbar/core'
import { expect, it, vi } from 'vitest'
import { brokerOn, unique } from './support/wire.ts'

it('tells the backlog per consumer: what is visible and what is in flight, and not what is delayed', async () => {
  const name = unique('scaled')
  const work = queue<string>(name, { codec: text })
  const { promise: release, resolve } = Promise.withResolvers<void>()
  await using broker = brokerOn([work])
  const producer = broker.producer(work)
  await producer.sendBatch(Array.from({ length: 12 }, (_, index) => `m-${index}`))
  await producer.send('later', { delayMs: 60_000 })
  expect(await broker.stats(work)).toEqual({ ready: 12, inFlight: 0, delayed: 1, oldestAgeMs: undefined, backlogPerConsumer: 12 })
  const seen = vi.fn<() => void>()
  const options = { concurrency: 3, maxInFlight: 3 }
  const handler = (): Promise<void> => {
    seen()
    return release
  }
  await broker.consume(work, handler, options)
  await broker.consume(work, handler, options)
  await vi.waitUntil(() => seen.mock.calls.length === 6, 5_000)
  expect(await broker.stats(work)).toMatchObject({ ready: 6, inFlight: 6, backlogPerConsumer: 6 })
  expect(await broker.stats(work, { consumers: 8 })).toMatchObject({ backlogPerConsumer: 1.5 })
  await expect(broker.stats(work, { consumers: 0 })).rejects.toThrow(RangeError)
  resolve()
})
