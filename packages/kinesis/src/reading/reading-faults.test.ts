import { afterAll, expect, it } from 'vitest'
import { seeded } from '../group/test-support/virtual-time.ts'
import { FakeKinesis, serviceError } from '../test-support/fake-kinesis.ts'
import { FakeShard } from '../test-support/fake-shard.ts'
import { apiOf, Reading, servicesOf, stream } from '../test-support/reading.ts'
import { FanOutConsumer } from './fan-out-consumer.ts'
import { fanOutReader } from './fan-out-reader.ts'
import { pollingReader } from './polling-reader.ts'
import { defaultReadPace } from './shard-pace.ts'
import type { ShardReader } from './shard-reader.ts'

// Seeded, in virtual time: a run is the same every time.

const errors: Readonly<Record<string, () => Error>> = {
  failure: () => serviceError('InternalFailureException', 'broken', 500),
  throttle: () => serviceError('ProvisionedThroughputExceededException'),
  cut: () => Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }),
  inUse: () => serviceError('ResourceInUseException'),
}
const seen = new Map<string, number>()

afterAll(() => {
  // What never happens proves nothing.
  for (const what of [...Object.keys(errors), 'pause', 'trimmed']) expect(seen.get(what), what).toBeGreaterThan(10)
})

const readers: Readonly<Record<string, (fake: FakeKinesis) => ShardReader>> = {
  polling: () => pollingReader({ ...defaultReadPace, pageBytes: 65_536 }),
  'fan-out': (fake) => {
    fake.on('DescribeStreamConsumer', () => ({ ConsumerDescription: { ConsumerStatus: 'ACTIVE', ConsumerARN: 'arn-1' } }))
    return fanOutReader(new FanOutConsumer({ api: apiOf(fake), services: servicesOf(fake), stream, name: 'tracker', register: false }))
  },
}

it.each(Object.keys(readers))('%s: each record once and in order, whatever fails, and the end', async (name) => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed)
    const fake = new FakeKinesis(1)
    const shard = new FakeShard(fake)
    shard.put('before')
    await fake.clock.advance(5_000)
    shard.fail = (call) => {
      const [what, error] = Object.entries(errors)[Math.floor(random() * 20)] ?? []
      // Polling has no subscriptions that could be in use.
      if (what === undefined || error === undefined || (what === 'inUse') !== (call === 'SubscribeToShard' || call === 'event')) return
      count(what)
      throw error()
    }
    const latest = random() < 0.5
    const reading = new Reading((readers[name] as (of: FakeKinesis) => ShardReader)(fake), { kind: latest ? 'latest' : 'horizon' }, fake, shard, random)
    const written = latest ? [] : ['before']
    await whilePaused(reading, 500)
    for (let step = 0; step < 40; step++) {
      const texts = Array.from({ length: Math.floor(random() * 8) }, (_, index) => `${step}.${index}`)
      shard.put(...texts)
      written.push(...texts)
      shard.pageRecords = 1 + Math.floor(random() * 5)
      if (random() < 0.7) await whilePaused(reading, random() * 5_000)
      else {
        count('pause')
        await reading.pass(random() < 0.3 ? 400_000 : random() * 10_000)
      }
    }
    shard.closed = true
    shard.fail = () => undefined
    reading.start()
    await reading.pass(600_000)
    expect(reading.end, `seed ${seed}`).toBe('ended')
    expect(reading.texts, `seed ${seed}`).toEqual(written)
  }
})

it.each(Object.keys(readers))('%s: what is left out is what was trimmed, and that is told', async (name) => {
  for (let seed = 1; seed <= 40; seed++) {
    const random = seeded(seed)
    const fake = new FakeKinesis(1)
    const shard = new FakeShard(fake)
    const count20 = Array.from({ length: 20 }, (_, index) => String(index))
    const numbers = shard.put(...count20)
    const at = Math.floor(random() * 20)
    const trimmed = Math.floor(random() * 20)
    shard.trim(trimmed)
    const from = { kind: 'after', position: { sequence: numbers[at] as bigint, subSequence: undefined } } as const
    const reading = new Reading((readers[name] as (of: FakeKinesis) => ShardReader)(fake), from, fake, shard).start()
    await reading.pass(2_000)
    expect(reading.texts, `seed ${seed}`).toEqual(count20.slice(Math.max(at + 1, trimmed)))
    expect(
      reading.pages.some(({ trimmedAfter }) => trimmedAfter !== undefined),
      `seed ${seed}`,
    ).toBe(trimmed > at)
    if (trimmed > at) count('trimmed')
  }
})

/** Asks for pages, one after the other, for so long; the last one is waited for. */
async function whilePaused(reading: Reading, ms: number): Promise<void> {
  const until = reading.fake.clock.monotonic() + ms
  while (reading.fake.clock.monotonic() < until && reading.end === undefined) {
    const state = { waiting: true }
    const one = reading.one().finally(() => (state.waiting = false))
    while (state.waiting) await reading.pass(100)
    await one
  }
}

function count(what: string): void {
  seen.set(what, (seen.get(what) ?? 0) + 1)
}
