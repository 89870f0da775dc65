import { beforeAll, describe, expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import { queue } from '../definitions/queue.ts'
import { BrokerError } from '../errors.ts'
import { loadEverything } from '../lazy.ts'
import type { Message } from '../message.ts'
import type { StandardSchema } from '../standard-schema.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver, type NaiveReceiver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'

const gone = new BrokerError('ERR_TOO_LATE', 'gone')

/** A queue whose schema answers when the test lets it. */
function setUp() {
  const waiting: (() => void)[] = []
  let sending = true
  const schema: StandardSchema<{ readonly n: number }, { readonly n: number }> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        sending ? { value: value as { n: number } } : new Promise((resolve) => waiting.push(() => resolve({ value: value as { n: number } }))),
    },
  }
  const slow = queue('slow', { schema })
  const driver = new NaiveDriver()
  const clock = new ManualClock()
  const broker = createBroker({ driver, destinations: [slow], clock, log: () => undefined })
  const send = async (...numbers: readonly number[]): Promise<void> => {
    sending = true
    const sent = broker.producer(slow).sendBatch(numbers.map((n) => ({ n })))
    sending = false
    await sent
    await turns()
  }
  /** The scope goes while bodies are being validated, and nothing of it comes again. */
  const lose = (): void => {
    const receiver = driver.receivers[0] as NaiveReceiver
    receiver.unsettled.clear()
    receiver.intake.lost(receiver.scope, gone)
  }
  const validated = async (): Promise<void> => {
    for (const resolve of waiting.splice(0)) resolve()
    await turns()
  }
  return { slow, broker, clock, send, lose, validated }
}

beforeAll(loadEverything)

describe('a message that is lost before it has come to its handler', () => {
  it('is not put into a batch, and takes no place', async () => {
    const { slow, broker, clock, send, lose, validated } = setUp()
    const batches: number[][] = []
    const consumer = await broker.consumeBatches(slow, (messages) => void batches.push(messages.map(({ body }) => body.n)), { batchSize: 2, lingerMs: 100 })
    await send(1)
    lose()
    await validated()
    clock.advance(200)
    await turns()
    expect(batches).toEqual([])
    expect(consumer.stats.held).toBe(0)
    await send(2, 3)
    await validated()
    expect(batches).toEqual([[2, 3]])
  })

  it('is not handled, and takes no place', async () => {
    const { slow, broker, send, lose, validated } = setUp()
    const handled: number[] = []
    const consumer = await broker.consume(slow, ({ body }) => void handled.push(body.n))
    await send(1)
    lose()
    await validated()
    expect(handled).toEqual([])
    expect(consumer.stats).toMatchObject({ held: 0, running: 0 })
    await send(2)
    await validated()
    expect(handled).toEqual([2])
  })

  it('is not handled after the deadline of a drain', async () => {
    const { slow, broker, clock, send, validated } = setUp()
    const handled: number[] = []
    const consumer = await broker.consume(slow, ({ body }) => void handled.push(body.n))
    await send(1)
    const drained = consumer.drain({ timeoutMs: 1_000 })
    for (let passed = 0; passed < 3_000; passed += 100) {
      clock.advance(100)
      await turns()
    }
    await drained
    await validated()
    expect(handled).toEqual([])
  })

  it('is not given to a loop, and takes no place', async () => {
    const { slow, broker, send, lose, validated } = setUp()
    const messages = broker.messages(slow, { maxInFlight: 1 })[Symbol.asyncIterator]() as AsyncIterator<Message<{ readonly n: number }>>
    const first = messages.next()
    for (let left = 5; left > 0; left--) await turns()
    await send(1)
    lose()
    await validated()
    await send(2)
    await validated()
    const { value } = (await first) as { value: Message<{ readonly n: number }> }
    expect(value.body.n).toBe(2)
    expect(
      await Promise.race([
        value.ack(),
        turns()
          .then(turns)
          .then(() => 'no answer'),
      ]),
    ).toBe('durable')
  })
})
