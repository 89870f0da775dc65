import { describe, expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import type { Broker } from '../broker/types.ts'
import { queue } from '../definitions/queue.ts'
import type { Outgoing, SendResult } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import type { SendFunction } from '../middleware/types.ts'
import type { StandardSchema } from '../standard-schema.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'

interface Order {
  readonly n: number
  readonly customer: string
}

const plain = queue<Order>('plain')
const keyed = queue<Order>('keyed', { orderingKey: (order) => order.customer })

function setUp(eager?: true): {
  driver: NaiveDriver
  clock: ManualClock
  broker: Broker
  sent: number[][]
  answer: (results?: (index: number) => SendResult) => Promise<void>
} {
  const driver = new NaiveDriver({ maxBatch: { messages: 3, bytes: 1_000_000, inFlight: 4, ...(eager && { eager }) } })
  const clock = new ManualClock()
  const broker = createBroker({ driver, destinations: [plain, keyed], clock, random: () => 0.5 })
  const sent: number[][] = []
  const open: { batch: readonly Outgoing[]; resolve: (results: readonly SendResult[]) => void }[] = []
  driver.onSend = (batch) =>
    new Promise((resolve) => {
      sent.push(batch.map((outgoing) => (JSON.parse(outgoing.body as string) as Order).n))
      open.push({ batch, resolve })
    })
  const answer = async (results: (index: number) => SendResult = () => ({ ok: true })): Promise<void> => {
    const request = open.shift()
    request?.resolve(request.batch.map((_, index) => results(index)))
    await turns()
  }
  return { driver, clock, broker, sent, answer }
}

const unavailable = (stored: 'no' | 'unknown'): SendResult => ({ ok: false, error: new BrokerError('ERR_UNAVAILABLE', 'down'), stored })
const invalid: SendResult = { ok: false, error: new BrokerError('ERR_INVALID', 'no'), stored: 'no' }

describe('producer', () => {
  it('coalesces the sends of one turn, and while a request is out what comes waits for it', async () => {
    const { broker, sent, answer } = setUp()
    const producer = broker.producer(plain)
    const sends = [1, 2].map((n) => producer.send({ n, customer: 'a' }))
    await turns()
    sends.push(producer.send({ n: 3, customer: 'a' }))
    await turns()
    expect(sent).toEqual([[1, 2]])
    await answer()
    expect(sent).toEqual([[1, 2], [3]])
    await answer()
    expect((await Promise.all(sends)).map((receipt) => typeof receipt.id)).toEqual(['string', 'string', 'string'])
  })

  it('lets nothing wait for a request that is out, where a call costs no round trip', async () => {
    const { broker, sent } = setUp(true)
    const producer = broker.producer(plain)
    for (const n of [1, 2, 3, 4, 5]) {
      void producer.send({ n, customer: 'a' })
      await turns()
    }
    expect(sent).toEqual([[1], [2], [3], [4]])
  })

  it('sends full requests side by side', async () => {
    const { broker, sent } = setUp()
    void broker.producer(plain).sendBatch(Array.from({ length: 7 }, (_, n) => ({ n, customer: 'a' })))
    await turns()
    expect(sent).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
  })

  it('has at most one message of a key out, in the order of send', async () => {
    const { broker, sent, answer } = setUp()
    void broker.producer(keyed).sendBatch([1, 2, 3, 4].map((n) => ({ n, customer: n === 3 ? 'b' : 'a' })))
    await turns()
    expect(sent).toEqual([[1, 3]])
    await answer()
    expect(sent).toEqual([[1, 3], [2]])
    await answer()
    expect(sent).toEqual([[1, 3], [2], [4]])
  })

  it('repeats what failed with a retryable error before later messages of its key', async () => {
    const { broker, clock, sent, answer } = setUp()
    const results = broker.producer(keyed).sendBatch([1, 2].map((n) => ({ n, customer: 'a' })))
    await turns()
    await answer(() => unavailable('no'))
    clock.advance(50)
    await turns()
    expect(sent).toEqual([[1], [1]])
    await answer()
    await answer()
    expect((await results).every((result) => result.ok)).toBe(true)
    expect(sent).toEqual([[1], [1], [2]])
  })

  it('fails the waiting messages of a key with ERR_ORDER when an earlier one fails for good', async () => {
    const { broker, answer } = setUp()
    const results = broker.producer(keyed).sendBatch([1, 2, 3].map((n) => ({ n, customer: n === 3 ? 'b' : 'a' })))
    await turns()
    await answer((index) => (index === 0 ? invalid : { ok: true }))
    const [first, second, third] = await results
    expect(first).toMatchObject({ ok: false, error: { code: 'ERR_INVALID', retryable: false } })
    expect(second).toMatchObject({ ok: false, error: { code: 'ERR_ORDER', retryable: true }, stored: 'no' })
    expect(third).toMatchObject({ ok: true })
  })

  it('goes on with a key after a failure', async () => {
    const { broker, answer } = setUp()
    const producer = broker.producer(keyed)
    const first = expect(producer.send({ n: 1, customer: 'a' })).rejects.toMatchObject({ code: 'ERR_INVALID' })
    await turns()
    await answer(() => invalid)
    await first
    const second = producer.send({ n: 2, customer: 'a' })
    await turns()
    await answer()
    await expect(second).resolves.toMatchObject({})
  })

  it('rejects with ERR_TIMEOUT at the deadline if the message was never handed over', async () => {
    const { broker, clock, driver } = setUp()
    driver.onSend = undefined
    const writable = { value: false }
    const link = driver.connect.bind(driver)
    driver.connect = async () => {
      const real = await link()
      return {
        ...real,
        sender: (endpoint) => ({
          ...real.sender(endpoint),
          get writable() {
            return writable.value
          },
        }),
      }
    }
    const send = broker.producer(plain).send({ n: 1, customer: 'a' }, { timeoutMs: 1_000 })
    await turns()
    clock.advance(1_000)
    await expect(send).rejects.toMatchObject({ code: 'ERR_TIMEOUT', retryable: true })
  })

  it('rejects with ERR_UNCONFIRMED at the deadline if it was handed over, and keeps its key closed until the answer', async () => {
    const { broker, clock, sent, answer } = setUp()
    const producer = broker.producer(keyed)
    const first = producer.send({ n: 1, customer: 'a' }, { timeoutMs: 1_000 })
    const second = producer.send({ n: 2, customer: 'a' }, { timeoutMs: 60_000 })
    await turns()
    clock.advance(1_000)
    await expect(first).rejects.toMatchObject({ code: 'ERR_UNCONFIRMED' })
    expect(sent).toEqual([[1]])
    await answer()
    expect(sent).toEqual([[1], [2]])
    await answer()
    await expect(second).resolves.toMatchObject({})
  })

  it('aborts what was not handed over, and nothing else', async () => {
    const { broker, answer } = setUp()
    const producer = broker.producer(keyed)
    const abort = new AbortController()
    const first = producer.send({ n: 1, customer: 'a' }, { signal: abort.signal })
    const second = producer.send({ n: 2, customer: 'a' }, { signal: abort.signal })
    await turns()
    abort.abort()
    await expect(second).rejects.toMatchObject({ name: 'AbortError' })
    await answer()
    await expect(first).resolves.toMatchObject({})
  })

  it('refuses more than the buffer holds, and sendBatch waits for room', async () => {
    const { broker, answer, sent } = setUp()
    const producer = broker.producer(plain, { maxBuffered: 2 })
    const sends = [1, 2].map((n) => producer.send({ n, customer: 'a' }))
    await expect(producer.send({ n: 3, customer: 'a' })).rejects.toMatchObject({ code: 'ERR_THROTTLED' })
    const batch = producer.sendBatch([4, 5].map((n) => ({ n, customer: 'a' })))
    await turns()
    expect(sent).toEqual([[1, 2]])
    await answer()
    await Promise.all(sends)
    await answer()
    expect((await batch).every((result) => result.ok)).toBe(true)
  })

  it('takes the place in the order when send is called, whatever validation takes', async () => {
    const schema: StandardSchema<Order, Order> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: async (value) => {
          for (let turn = 0; turn < ((value as Order).n === 1 ? 20 : 1); turn++) await turns()
          return { value: value as Order }
        },
      },
    }
    const slow = queue('slow', { schema, orderingKey: (order) => order.customer })
    const driver = new NaiveDriver()
    const broker = createBroker({ driver, destinations: [slow] })
    await Promise.all([1, 2, 3].map((n) => broker.producer(slow).send({ n, customer: 'a' })))
    expect(driver.queue('slow').ready.map(({ incoming }) => (JSON.parse(incoming.body as string) as Order).n)).toEqual([1, 2, 3])
    await broker.close()
  })

  it('lets middleware change the message, answer in its place, and see the result', async () => {
    const { broker, answer, sent, driver } = setUp()
    const seen: string[] = []
    const producer = broker.producer(plain, {
      use: [
        async (context, next) => {
          if ((context.body as Order).n === 2) return { id: 'known' }
          context.outgoing = { ...context.outgoing, type: 'changed' }
          const receipt = await next()
          seen.push(receipt.id)
          return receipt
        },
      ],
    })
    const first = producer.send({ n: 1, customer: 'a' }, { id: 'one' })
    await expect(producer.send({ n: 2, customer: 'a' })).resolves.toMatchObject({})
    await turns()
    await answer()
    await first
    expect(sent).toEqual([[1]])
    expect(seen).toEqual(['one'])
    expect(driver.calls).toEqual(['send plain 1'])
  })

  it.each([
    ['its deadline passes', (clock: ManualClock) => clock.advance(1_000), 'ERR_TIMEOUT'],
    ['its caller aborts it', (_: ManualClock, __: Broker, caller: AbortController) => caller.abort(), 'AbortError'],
    ['the broker closes', (_: ManualClock, broker: Broker) => void broker.close(), 'ERR_CLOSED'],
  ])('tells middleware that have not sent the message when %s', async (_, end, what) => {
    const { broker, clock } = setUp()
    const caller = new AbortController()
    const signals: (AbortSignal | undefined)[] = []
    const use: SendFunction[] = [
      (context) => {
        signals.push(context.signal)
        return new Promise(() => {})
      },
    ]
    const sending = broker.producer(plain, { use }).send({ n: 1, customer: 'a' }, { timeoutMs: 1_000, signal: caller.signal })
    sending.catch(() => undefined)
    await turns()
    expect(signals).toMatchObject([{ aborted: false }])
    end(clock, broker, caller)
    await expect(sending).rejects.toSatisfy((error: Error & { code?: string }) => error.code === what || error.name === what)
    expect(signals).toMatchObject([{ aborted: true }])
  })

  it('rejects everything that has no answer when the broker closes', async () => {
    const { broker } = setUp()
    const producer = broker.producer(plain)
    const out = producer.send({ n: 1, customer: 'a' })
    await turns()
    const waiting = producer.send({ n: 2, customer: 'a' })
    const settled = Promise.allSettled([out, waiting])
    await Promise.race([broker.close(), turns()])
    expect((await settled).map((result) => (result as PromiseRejectedResult).reason.code)).toEqual(['ERR_CLOSED', 'ERR_CLOSED'])
    await expect(producer.send({ n: 3, customer: 'a' })).rejects.toMatchObject({ code: 'ERR_CLOSED' })
  })
})
