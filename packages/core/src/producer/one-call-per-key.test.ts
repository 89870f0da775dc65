import { describe, expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import { queue } from '../definitions/queue.ts'
import type { Capabilities, Outgoing, SendResult } from '../driver/index.ts'
import { BrokerError } from '../errors.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { seededRandom } from '../test-support/seeded-random.ts'
import type { Telemetry } from '../telemetry.ts'
import { turns } from '../test-support/turns.ts'
import { PendingSend } from './pending.ts'
import { SendBuffer } from './send-buffer.ts'
import type { Producer } from './types.ts'

interface Letter {
  readonly key: string
  readonly n: number
}

/** One call of `Sender.send` that waits for its answer. */
interface Call {
  readonly letters: readonly Letter[]
  answer(result?: (letter: Letter) => SendResult): Promise<void>
}

const letters = queue<Letter>('letters', { orderingKey: ({ key }) => key })
const ok: SendResult = { ok: true }
const tryAgain: SendResult = { ok: false, stored: 'no', error: new BrokerError('ERR_THROTTLED', 'Slow down', {}) }
const never: SendResult = { ok: false, stored: 'no', error: new BrokerError('ERR_INVALID', 'Not this one', {}) }

interface SetUp {
  readonly pass: (ms: number) => Promise<void>
  readonly producer: Producer<Letter>
  /** In the order in which they were made. */
  readonly out: Call[]
}

function bareBuffer(mostOfKey: number): { readonly buffer: SendBuffer; readonly add: (key: string | undefined) => void } {
  const buffer = new SendBuffer(mostOfKey)
  const observer = { sent: () => undefined, failed: () => undefined }
  return { buffer, add: (key) => buffer.add(new PendingSend({ key } as Outgoing, observer, 0, 0, true)) }
}

async function setUp(sendOrder: 'strict' | 'pipelined', overrides: Partial<Capabilities> = {}, telemetry: Telemetry = {}): Promise<SetUp> {
  const driver = new NaiveDriver({ callOrder: 'none', ...overrides })
  const clock = new ManualClock()
  const broker = createBroker({ driver, destinations: [letters], clock, random: () => 0.5, log: () => undefined, telemetry })
  await broker.start()
  const out: Call[] = []
  driver.onSend = (batch: readonly Outgoing[]) =>
    new Promise((resolve) => {
      const inCall = batch.map(({ body }) => JSON.parse(String(body)) as Letter)
      const call: Call = {
        letters: inCall,
        answer: async (result = () => ok) => {
          out.splice(out.indexOf(call), 1)
          resolve(inCall.map(result))
          await turns()
        },
      }
      out.push(call)
    })
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    await turns()
  }
  return { pass, producer: broker.producer(letters, { sendOrder }), out }
}

const of = (key: string, ...numbers: readonly number[]): Letter[] => numbers.map((n) => ({ key, n }))
const shown = (calls: readonly Call[]): string[] => calls.map((call) => call.letters.map(({ key, n }) => `${key}${n}`).join(' '))
const keysOf = (call: Call): string[] => call.letters.map(({ key }) => key)
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

describe('pipelined order where a call can overtake another', () => {
  it('has one call out for a key, as full as it can be, and others beside it', async () => {
    const { producer, out } = await setUp('pipelined')
    void producer.sendBatch([...of('a', ...upTo(25)), ...of('b', 1, 2), ...of('c', ...upTo(12))])
    await turns()
    expect(shown(out)).toEqual(['a1 a2 a3 a4 a5 a6 a7 a8 a9 a10', 'b1 b2 c1 c2 c3 c4 c5 c6 c7 c8'])
    await out[1]?.answer()
    expect(shown(out)).toEqual(['a1 a2 a3 a4 a5 a6 a7 a8 a9 a10'])
    await out[0]?.answer()
    expect(shown(out)).toEqual(['c9 c10 c11 c12 a11 a12 a13 a14 a15 a16'])
    await out[0]?.answer()
    expect(shown(out)).toEqual(['a17 a18 a19 a20 a21 a22 a23 a24 a25'])
  })

  it('fills further calls with what other keys have, however few keys there are', async () => {
    const { producer, out } = await setUp('pipelined')
    void producer.sendBatch(['a', 'b', 'c'].flatMap((key) => of(key, ...upTo(10))))
    await turns()
    expect(out.map((call) => new Set(call.letters.map(({ key }) => key)).size)).toEqual([1, 1, 1])
  })

  it('keeps the order of what was sent before the driver was connected', async () => {
    const driver = new NaiveDriver({ callOrder: 'none' })
    const calls: string[] = []
    driver.onSend = (batch) => {
      calls.push(batch.map(({ body }) => (JSON.parse(String(body)) as Letter).n).join(' '))
      return new Promise(() => undefined)
    }
    const broker = createBroker({ driver, destinations: [letters], clock: new ManualClock() })
    void broker.producer(letters, { sendOrder: 'pipelined' }).sendBatch(of('a', ...upTo(25)))
    await turns()
    await turns()
    expect(calls).toEqual(['1 2 3 4 5 6 7 8 9 10'])
  })

  it('sends again what failed before what waits behind it, and fails nothing else with what fails for good', async () => {
    const { producer, out, pass } = await setUp('pipelined')
    const results = producer.sendBatch(of('a', ...upTo(14)))
    await turns()
    await out[0]?.answer(({ n }) => (n === 3 || n === 7 ? tryAgain : n === 5 ? never : ok))
    expect(out).toEqual([])
    await pass(1_000)
    expect(shown(out)).toEqual(['a3 a7 a11 a12 a13 a14'])
    await out[0]?.answer()
    expect((await results).map((result) => (result.ok ? '' : result.error.code)).join('')).toBe('ERR_INVALID')
  })

  it('goes on with a key when the deadlines of its first messages have passed', async () => {
    const { producer, out, pass } = await setUp('pipelined')
    const first = producer.sendBatch(of('a', ...upTo(12)), { timeoutMs: 1_000 })
    await turns()
    await pass(500)
    const later = producer.sendBatch(of('a', 13, 14))
    await turns()
    await pass(600)
    expect((await first).map((result) => (result.ok ? 'ok' : result.error.code))).toEqual([
      ...Array.from({ length: 10 }, () => 'ERR_UNCONFIRMED'),
      'ERR_TIMEOUT',
      'ERR_TIMEOUT',
    ])
    // The call that is out may still be stored: nothing may overtake it.
    expect(shown(out)).toEqual(['a1 a2 a3 a4 a5 a6 a7 a8 a9 a10'])
    await out[0]?.answer()
    expect(shown(out)).toEqual(['a13 a14'])
    await out[0]?.answer()
    expect((await later).every((result) => result.ok)).toBe(true)
  })

  it('has several calls of a key out where they keep their order', async () => {
    const { producer, out, pass } = await setUp('pipelined', { callOrder: 'kept' })
    void producer.sendBatch(of('a', ...upTo(25)))
    await turns()
    expect(shown(out)).toEqual(['a1 a2 a3 a4 a5 a6 a7 a8 a9 a10', 'a11 a12 a13 a14 a15 a16 a17 a18 a19 a20'])
    await out[0]?.answer(() => tryAgain)
    await pass(1_000)
    expect(shown(out)).toEqual(['a11 a12 a13 a14 a15 a16 a17 a18 a19 a20', 'a1 a2 a3 a4 a5 a6 a7 a8 a9 a10'])
    // As after an outage, in whatever order they are answered.
    await out[0]?.answer(() => tryAgain)
    await out[0]?.answer(({ n }) => (n === 3 ? ok : tryAgain))
    await pass(5_000)
    expect(shown(out)).toEqual(['a1 a2 a4 a5 a6 a7 a8 a9 a10 a11', 'a12 a13 a14 a15 a16 a17 a18 a19 a20 a21'])
  })
})

describe('messages that wait again', () => {
  it('go in the order of their keys in the call, before what waited behind it', async () => {
    const { producer, out, pass } = await setUp('strict', { maxBatch: { messages: 3, bytes: 1_000, inFlight: 1 } })
    void producer.sendBatch(['a', 'b', 'c', 'd', 'e'].flatMap((key) => of(key, 1)))
    await turns()
    await out[0]?.answer(() => tryAgain)
    await pass(1_000)
    expect(shown(out)).toEqual(['a1 b1 c1'])
    await out[0]?.answer()
    expect(shown(out)).toEqual(['d1 e1'])
  })

  it('are not held up by one that its caller gives up when it hears of the failure', async () => {
    const caller = new AbortController()
    const { producer, out, pass } = await setUp('strict', {}, { send: ({ failed }) => failed > 0 && caller.abort() })
    // The part that watches signals is loaded.
    await Promise.all([producer.send({ key: 'z', n: 0 }, { signal: caller.signal }), turns().then(() => out[0]?.answer())])
    const first = producer.send({ key: 'a', n: 1 }, { signal: caller.signal })
    void producer.sendBatch([...of('a', 2), ...of('b', 1)])
    await turns()
    expect(shown(out)).toEqual(['a1 b1'])
    await Promise.all([expect(first).rejects.toThrow('abort'), out[0]?.answer(() => tryAgain)])
    await pass(1_000)
    expect(shown(out)).toEqual(['b1 a2'])
  })
})

describe('messages without a key', () => {
  it('take turns with keys, however many there are', async () => {
    const { buffer, add } = bareBuffer(1)
    for (let n = 0; n < 100; n++) add(undefined)
    add('k')
    expect([buffer.take(10, 1_000), buffer.take(10, 1_000)].map((taken) => taken.filter(({ key }) => key === 'k').length)).toEqual([0, 1])
    expect(buffer.ready).toBe(81)
  })
})

describe.each(['strict', 'pipelined'] as const)('%s order, with calls answered in any order and in part', (sendOrder) => {
  it.each(upTo(20))('has one call out for a key, answers everything, and stores what it does in the order sent (seed %i)', async (seed) => {
    const random = seededRandom(seed)
    const fails = seed % 2 === 0
    const { producer, out, pass } = await setUp(sendOrder, { maxBatch: { messages: 4, bytes: 300, inFlight: 5 } })
    const answers: string[] = []
    const stored: Letter[] = []
    let sent = 0
    for (let step = 0; step < 400 || out.length > 0 || answers.length < sent; step++) {
      if (step < 300 && random() < 0.6) {
        const key = 'abcdef'.charAt(Math.floor(random() ** 2 * 6))
        void producer.send({ key, n: ++sent }, { timeoutMs: random() < 0.1 ? 50 : 86_400_000 }).then(
          () => answers.push('ok'),
          (error: unknown) => answers.push((error as BrokerError).code),
        )
      } else if (random() < 0.6 && out.length > 0) {
        await out[Math.floor(random() * out.length)]?.answer((letter) => {
          const failure = fails && random() < 0.1 ? (random() < 0.5 ? tryAgain : never) : undefined
          if (!failure) stored.push(letter)
          return failure ?? ok
        })
      } else await pass(random() < 0.1 ? 40 : 1)
      if (step > 400) await pass(100)
      // In strict order also one message.
      const keys = out.flatMap((call) => (sendOrder === 'strict' ? keysOf(call) : [...new Set(keysOf(call))]))
      expect(keys.length, 'one call for each key').toBe(new Set(keys).size)
      expect(step).toBeLessThan(5_000)
    }
    expect(answers.length).toBe(sent)
    expect(answers.filter((answer) => answer === 'ok').length).toBeGreaterThan(sent / 4)
    for (const key of fails && sendOrder === 'pipelined' ? [] : 'abcdef') {
      const numbers = stored.filter((letter) => letter.key === key).map(({ n }) => n)
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
  })
})
