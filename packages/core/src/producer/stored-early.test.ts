import { expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import { text } from '../codec/text.ts'
import { queue } from '../definitions/queue.ts'
import type { SendResult } from '../driver/index.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'

/** The body begins with its key. */
const keyed = queue<string>('keyed', { codec: text, orderingKey: (body) => body.split(' ', 1)[0] as string })

it('a message is answered, and the next of its key goes, when it is stored, though another of its call still waits', async () => {
  const driver = new NaiveDriver({ maxBatch: { messages: 10, bytes: 1_000, inFlight: 2, eager: true } })
  const clock = new ManualClock()
  const broker = createBroker({ driver, destinations: [keyed], clock })
  const slow = Promise.withResolvers<readonly SendResult[]>()
  const calls: string[] = []
  driver.onSend = (batch, _, stored) => {
    calls.push(batch.map(({ body }) => String(body)).join())
    if (calls.length > 1) return undefined
    stored?.(1, 'p-1')
    // A driver may say it twice.
    stored?.(1, 'p-1')
    return slow.promise
  }
  const producer = broker.producer(keyed)
  const sends = ['hot 1', 'calm 1', 'calm 2'].map((body) => producer.send(body))
  const [hot, ...calm] = sends.map(async (send) => (await send).position)
  await turns()
  expect(await Promise.all(calm)).toEqual(['p-1', undefined])
  expect(calls).toEqual(['hot 1,calm 1', 'calm 2'])
  slow.resolve([
    { ok: true, position: 'p-0' },
    { ok: true, position: 'p-1' },
  ])
  expect(await hot).toBe('p-0')
  await broker.drain()
})

it('a call that ends after it told of a message early lets nothing overtake the next of its key, which is out', async () => {
  const driver = new NaiveDriver({ maxBatch: { messages: 10, bytes: 1_000, inFlight: 3, eager: true } })
  const broker = createBroker({ driver, destinations: [keyed], clock: new ManualClock() })
  const answers: ((results: readonly SendResult[]) => void)[] = []
  const calls: string[] = []
  driver.onSend = (batch, _, stored) => {
    calls.push(batch.map(({ body }) => String(body)).join())
    if (calls.length === 1) stored?.(0, 'p-1')
    return new Promise((resolve) => answers.push(resolve))
  }
  const producer = broker.producer(keyed)
  for (const body of ['calm 1', 'calm 2', 'calm 3']) void producer.send(body)
  await turns()
  answers[0]?.([{ ok: true, position: 'p-1' }])
  await turns()
  expect(calls).toEqual(['calm 1', 'calm 2'])
})
