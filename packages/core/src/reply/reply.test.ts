import { beforeAll, describe, expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import type { Broker } from '../broker/types.ts'
import { queue } from '../definitions/queue.ts'
import type { Incoming, Outgoing, Replies } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import type { StandardSchema } from '../standard-schema.ts'
import { loadEverything } from '../lazy.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'

const anything: StandardSchema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
const quotes = queue('quotes', { schema: anything, reply: anything })

interface SetUp {
  readonly driver: NaiveDriver
  readonly clock: ManualClock
  readonly broker: Broker
  readonly replies: { -readonly [K in keyof Replies]: Replies[K] }
  readonly dropped: unknown[]
  /** What was asked and not answered. */
  readonly asked: () => readonly Incoming[]
  readonly answer: (request: Incoming, value: unknown) => void
}

function setUp(): SetUp {
  const driver = new NaiveDriver({ requestReply: true })
  const clock = new ManualClock()
  const dropped: unknown[] = []
  let deliver: (reply: Incoming) => void = () => undefined
  const replies: SetUp['replies'] = {
    open: async (given) => {
      deliver = given
      return 'here'
    },
    send: async (_, reply) => {
      deliver(reply as unknown as Incoming)
      return { ok: true }
    },
    close: async () => undefined,
  }
  const connect = driver.connect.bind(driver)
  driver.connect = async () => ({ ...(await connect()), replies })
  const broker = createBroker({
    driver,
    destinations: [quotes],
    clock,
    random: () => 0.5,
    log: (_, event, data) => void (event === 'reply:dropped' && dropped.push(data['correlationId'])),
  })
  const asked = (): readonly Incoming[] => driver.queue('quotes').ready.map(({ incoming }) => incoming)
  const answer = ({ correlationId }: Incoming, value: unknown): void => deliver({ correlationId, body: JSON.stringify(value) } as unknown as Incoming)
  return { driver, clock, broker, replies, dropped, asked, answer }
}

function outcomeOf(work: Promise<unknown>): { value: unknown } {
  const outcome: { value: unknown } = { value: 'open' }
  work.then(
    (value) => (outcome.value = value),
    (error: unknown) => (outcome.value = error),
  )
  return outcome
}

/** Answers nobody, ever. */
const silent: StandardSchema<unknown, unknown> = { '~standard': { version: 1, vendor: 'test', validate: () => new Promise(() => undefined) } }

describe('a request', () => {
  // Loading takes real time, of which the clock of these tests knows nothing.
  beforeAll(loadEverything)

  it('starts the broker, and takes its own reply, once', async () => {
    const { broker, asked, answer, dropped } = setUp()
    const first = outcomeOf(broker.request(quotes, 'a'))
    const second = outcomeOf(broker.request(quotes, 'b'))
    await turns()
    const [a, b] = asked() as [Incoming, Incoming]
    answer(b, 2)
    answer(b, 'again')
    answer({ ...a, correlationId: 'foreign' }, 'foreign')
    answer(a, 1)
    await turns()
    expect([first.value, second.value]).toEqual([1, 2])
    expect(dropped).toEqual([b.correlationId, 'foreign'])
  })

  it('takes a reply that is faster than the confirmation, or comes instead of it', async () => {
    const { broker, driver, answer } = setUp()
    let out: Outgoing | undefined
    driver.onSend = (batch) => {
      out = batch[0]
      return new Promise(() => undefined)
    }
    const request = outcomeOf(broker.request(quotes, 'a'))
    await turns()
    answer(out as unknown as Incoming, 1)
    await turns()
    expect(request.value).toBe(1)
  })

  it('ends at its deadline wherever it hangs: connecting, opening the reply address, waiting', async () => {
    const connecting = setUp()
    connecting.driver.connect = () => new Promise(() => undefined)
    const opening = setUp()
    opening.replies.open = () => new Promise(() => undefined)
    for (const { broker, clock } of [connecting, opening, setUp()]) {
      const request = outcomeOf(broker.request(quotes, 'a', { timeoutMs: 1_000 }))
      await turns()
      clock.advance(1_000)
      await turns()
      expect(request.value).toMatchObject({ code: 'ERR_TIMEOUT' })
    }
  })

  it('ends with its signal wherever it hangs, and listens no longer', async () => {
    const connecting = setUp()
    connecting.driver.connect = () => new Promise(() => undefined)
    const opening = setUp()
    opening.replies.open = () => new Promise(() => undefined)
    for (const { broker, clock } of [connecting, opening, setUp()]) {
      const controller = new AbortController()
      const request = outcomeOf(broker.request(quotes, 'a', { signal: controller.signal }))
      await turns()
      controller.abort()
      await turns()
      expect(request.value).toMatchObject({ name: 'AbortError' })
      const timers = clock.timers
      await expect(broker.request(quotes, 'a', { signal: controller.signal })).rejects.toMatchObject({ name: 'AbortError' })
      expect(clock.timers).toBe(timers)
    }
  })

  it.each(['drain', 'close'] as const)('that waits is rejected with ERR_CLOSED by %s', async (how) => {
    const { broker, clock } = setUp()
    const request = outcomeOf(broker.request(quotes, 'a'))
    await turns()
    const ending = outcomeOf(broker[how]())
    await turns()
    clock.advance(0)
    await turns()
    expect(request.value).toMatchObject({ code: 'ERR_CLOSED' })
    expect(ending.value).toBeUndefined()
    expect(clock.timers).toBe(0)
  })

  it('opens the reply address anew when that failed', async () => {
    const { broker, replies, asked, answer } = setUp()
    const { open } = replies
    replies.open = () => Promise.reject(new BrokerError('ERR_UNAVAILABLE', 'down'))
    await expect(broker.request(quotes, 'a')).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    replies.open = open
    const request = outcomeOf(broker.request(quotes, 'a'))
    await turns()
    answer(asked()[0] as Incoming, 1)
    await turns()
    expect(request.value).toBe(1)
  })

  it('is throttled while 10,000 wait for their replies, and no longer when one has come', async () => {
    const { broker, asked, answer, clock } = setUp()
    await broker.start()
    const outcomes = Array.from({ length: 10_000 }, (_, n) => outcomeOf(broker.request(quotes, n)))
    await turns()
    await expect(broker.request(quotes, 'one too many')).rejects.toMatchObject({ code: 'ERR_THROTTLED', retryable: true, destination: 'quotes' })
    for (let n = 0; n < 100 && asked().length < 10_000; n++) {
      clock.advance(1)
      await turns()
    }
    answer(asked()[0] as Incoming, 'the answer')
    await turns()
    expect(outcomes[0]?.value).toBe('the answer')
    const next = outcomeOf(broker.request(quotes, 'the next'))
    await turns()
    expect(next.value).toBe('open')
    await broker.close()
    expect(next.value).toMatchObject({ code: 'ERR_CLOSED' })
    expect(outcomes.slice(1).every(({ value }) => (value as BrokerError).code === 'ERR_CLOSED')).toBe(true)
  })

  it('refuses options that it does not know', async () => {
    const { broker } = setUp()
    await expect(broker.request(quotes, 'a', { timeout: 5 } as never)).rejects.toBeInstanceOf(TypeError)
  })
})

describe('a responder', () => {
  it('replies to what was handled, not to what goes back', async () => {
    const { broker, clock } = setUp()
    let starts = 0
    await broker.consume(quotes, async (message) => {
      if (++starts === 1) await message.nack()
      return starts
    })
    const request = outcomeOf(broker.request(quotes, 'a'))
    await turns()
    expect(request.value).toBe('open')
    clock.advance(1)
    await turns()
    expect(request.value).toBe(2)
  })
})

describe('a schema that gives no answer', () => {
  const asking = queue('asking', { schema: silent, reply: anything })
  const answered = queue('answered', { schema: anything, reply: silent })

  function withSilence(): { readonly broker: Broker; readonly clock: ManualClock; readonly driver: NaiveDriver; readonly reply: (request: Incoming) => void } {
    const driver = new NaiveDriver({ requestReply: true })
    const clock = new ManualClock()
    let deliver: (reply: Incoming) => void = () => undefined
    const connect = driver.connect.bind(driver)
    const replies: Replies = {
      open: async (given) => {
        deliver = given
        return 'here'
      },
      send: async () => ({ ok: true }),
      close: async () => undefined,
    }
    driver.connect = async () => ({ ...(await connect()), replies })
    const broker = createBroker({ driver, destinations: [asking, answered], clock })
    return { driver, clock, broker, reply: ({ correlationId }) => deliver({ correlationId, body: '1' } as unknown as Incoming) }
  }

  it('does not outlast the deadline, the signal or the broker, asked for a request or for a reply', async () => {
    const { broker, clock, driver, reply } = withSilence()
    const aborting = new AbortController()
    const outcomes = [
      broker.request(asking, 1, { timeoutMs: 200 }),
      broker.request(answered, 1, { timeoutMs: 200 }),
      broker.request(asking, 1, { signal: aborting.signal }),
      broker.request(asking, 1),
    ].map((request) => outcomeOf(request))
    await turns()
    await turns()
    for (const { incoming } of driver.queue('answered').ready) reply(incoming)
    await turns()
    clock.advance(250)
    aborting.abort(new DOMException('enough', 'AbortError'))
    await turns()
    expect(outcomes.slice(0, 3).map(({ value }) => (value as { code?: string; name?: string }).code ?? (value as Error).name)).toEqual([
      'ERR_TIMEOUT',
      'ERR_TIMEOUT',
      20,
    ])
    await broker.close()
    await turns()
    expect(outcomes[3]?.value).toMatchObject({ code: 'ERR_CLOSED' })
  })
})
