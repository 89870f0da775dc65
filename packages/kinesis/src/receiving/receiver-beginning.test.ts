import { unlessAborted } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { kinesisError } from '../errors.ts'
import { readPages } from '../reading/read-pages.ts'
import type { ShardReader } from '../reading/shard-reader.ts'
import { TestReceivers } from './test-support/receivers.ts'
import { failing } from './test-support/store-calls.ts'

describe('receivers of one subscription', () => {
  it('begin with latest at what is written from the start on, also when the first one is gone before it has read anything', async () => {
    const receivers = new TestReceivers(2)
    receivers.put(0, 'old')
    await receivers.time.pass(10_000)
    const first = await receivers.join({ startFrom: 'latest' })
    await receivers.during(first.receiver.handBack())
    receivers.put(0, 'in between')
    await receivers.time.pass(20_000)
    const { intake } = await receivers.join({ startFrom: 'latest' })
    await receivers.time.pass(5_000)
    expect(intake.texts).toEqual(['in between'])
  })

  it('begin with latest at the moment of the lease where they are paused then', async () => {
    const receivers = new TestReceivers(1)
    receivers.put(0, 'old')
    let down = true
    const { receiver, intake } = await receivers.join({ startFrom: 'latest', wrap: failing(() => down) })
    await receivers.time.pass(10_000)
    await receiver.pause()
    down = false
    await receivers.until('the shard is leased', () => receivers.noteOf(0) !== undefined)
    await receivers.time.pass(2_000)
    receivers.put(0, 'while paused')
    await receivers.time.pass(60_000)
    await receiver.resume()
    await receivers.time.pass(5_000)
    expect(intake.texts).toEqual(['while paused'])
  })

  it('begin with latest before what is sent right after the start, whatever call fails in the midst of it', async () => {
    for (const call of [/^claim .*\/worker\//, /^complete .*\/origin\//, /^claim .*\/shard\//, /^save /, /^scan /]) {
      const receivers = new TestReceivers(1)
      receivers.put(0, 'old')
      await receivers.time.pass(10_000)
      let left = 1
      // Carried out, and the answer is lost.
      const wrap = failing((name) => call.test(name) && left-- > 0, true)
      const { intake } = await receivers.join({ startFrom: 'latest', wrap })
      receivers.put(0, 'right after the start')
      await receivers.time.pass(20_000)
      expect([String(call), intake.texts]).toEqual([String(call), ['right after the start']])
    }
  })

  it('begin at a position: its shard there, the others at its time', async () => {
    const receivers = new TestReceivers(2)
    receivers.put(0, 'a-old')
    receivers.put(1, 'b-old')
    await receivers.time.pass(1_000)
    const { sequence } = receivers.put(0, 'a-new')
    receivers.put(1, 'b-new')
    const { intake } = await receivers.join({ startFrom: { position: String(sequence) } })
    await receivers.time.pass(5_000)
    expect(intake.texts.toSorted()).toEqual(['a-new', 'b-new'])
  })

  it('begin at a position also where finding it takes longer than a lease', async () => {
    const receivers = new TestReceivers(2)
    receivers.put(0, 'old')
    const { sequence } = receivers.put(0, 'new')
    const inner = receivers.reader()
    async function* polling(options: Parameters<ShardReader>[0]): ReturnType<ShardReader> {
      await receivers.time.sleep(25_000)
      return yield* inner(options)
    }
    const { intake } = await receivers.join({ startFrom: { position: String(sequence) }, polling })
    await receivers.time.pass(60_000)
    expect(intake.texts).toEqual(['new'])
  })

  it('tell that a position cannot be looked for, try again, and leave off when they are handed back', async () => {
    const receivers = new TestReceivers(1)
    const { sequence } = receivers.put(0, 'm')
    let asked = 0
    const next = (): Promise<never> => {
      asked++
      return Promise.reject(kinesisError('ERR_UNAVAILABLE', 'no answer'))
    }
    const polling: ShardReader = (options) => readPages(options, { next, close: () => undefined })
    const { receiver, intake } = await receivers.join({ startFrom: { position: String(sequence) }, polling })
    await receivers.time.pass(60_000)
    expect(intake.failures.length).toBeGreaterThan(10)
    expect(intake.failures.every(({ error }) => error.message === 'no answer')).toBe(true)
    await receivers.during(receiver.handBack())
    asked = 0
    await receivers.time.pass(60_000)
    expect(asked).toBe(0)
  })

  it('tell of a search for a position that takes longer than a minute, and leave it off when they are handed back', async () => {
    const receivers = new TestReceivers(1)
    const { sequence } = receivers.put(0, 'm')
    const next = (signal: AbortSignal): Promise<undefined> =>
      unlessAborted(
        receivers.time.sleep(3_600_000).then(() => undefined),
        signal,
      )
    const polling: ShardReader = (options) => readPages(options, { next: () => next(options.signal), close: () => undefined })
    const { receiver, intake } = await receivers.join({ startFrom: { position: String(sequence) }, polling })
    await receivers.time.pass(90_000)
    expect(intake.failures.map(({ error }) => error.code)).toEqual(['ERR_TIMEOUT'])
    const since = receivers.time.nowMs
    await receivers.during(receiver.handBack())
    expect(receivers.time.nowMs - since).toBeLessThan(1_000)
  })

  it('do not begin at a position that no shard has', async () => {
    const receivers = new TestReceivers(2)
    const { intake } = await receivers.join({ startFrom: { position: '12' } })
    expect(intake.failures[0]?.error).toMatchObject({ code: 'ERR_INVALID', message: expect.stringContaining('12') })
  })
})
