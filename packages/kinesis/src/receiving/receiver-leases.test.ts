import { describe, expect, it } from 'vitest'
import { kinesisError } from '../errors.ts'
import type { ShardReader } from '../reading/shard-reader.ts'
import { group, TestReceivers } from './test-support/receivers.ts'
import { RecordingIntake } from './test-support/recording-intake.ts'
import { failing, watched } from './test-support/store-calls.ts'

const all = (): boolean => true

describe('receivers of one subscription', () => {
  it('tell of a shard that is lost when its handlers outlast the deadline of a hand-over, which core would retry otherwise', async () => {
    const receivers = new TestReceivers(2)
    for (const shard of [0, 1]) receivers.put(shard, 'long')
    const { intake } = await receivers.join()
    await receivers.until('both have come', () => intake.arrived.length === 2)
    // As core does, whose deadline is a little earlier than the worker's own.
    intake.revoking = () => receivers.time.sleep(29_990)
    const next = await receivers.join()
    await receivers.until('one is handed over', () => next.intake.arrived.length === 1, 60_000)
    expect([...intake.lostScopes]).toEqual([[intake.revoked[0], expect.objectContaining({ code: 'ERR_TOO_LATE' })]])
  })

  it.each(['shard', 'worker'])('leave no lease of a %s behind that they are about to get when they are handed back', async (kind) => {
    const receivers = new TestReceivers(1)
    const one = await receivers.join()
    const calls: string[] = []
    let slow = false
    let out = false
    const wrap = watched(async (call) => {
      if (slow && !out && call.startsWith('claim ') && call.includes(`/${kind}/`)) {
        out = true
        await receivers.time.sleep(3_000)
      }
      calls.push(call)
    })
    const two = await receivers.join({ wrap })
    slow = true
    await receivers.during(one.receiver.handBack())
    await receivers.until('a claim is out', () => out)
    await receivers.during(two.receiver.handBack())
    const before = calls.length
    await receivers.time.pass(10_000)
    expect(calls.slice(before)).toEqual([])
    const next = await receivers.join()
    receivers.put(0, 'm')
    await receivers.until('it is read at once', () => next.intake.texts.includes('m'), 2_000)
  })

  it('leave a shard to others that they may lease and cannot write', async () => {
    const receivers = new TestReceivers(1)
    let refused = false
    const { intake } = await receivers.join({ wrap: failing((call) => refused && call.startsWith('save ')) })
    receivers.put(0, 'm')
    await receivers.until('it has come', () => intake.arrived.length === 1)
    refused = true
    await receivers.time.pass(120_000)
    expect([intake.lostScopes.size, intake.texts]).toEqual([1, ['m']])
    const next = await receivers.join()
    await receivers.until('the next one reads it', () => next.intake.arrived.length === 1, 60_000)
    refused = false
  })
})

it('goes on where it was, and says so loudly, when the store has lost all that it was given', async () => {
  const receivers = new TestReceivers(2)
  const { intake } = await receivers.join({ acks: all, startFrom: 'latest' })
  const before = [0, 1].flatMap((shard) => receivers.putAll(shard, `before-${shard}`, 30))
  await receivers.until('all have come', () => intake.arrived.length === before.length)
  receivers.store.forget()
  const after = [0, 1].flatMap((shard) => receivers.putAll(shard, `after-${shard}`, 30))
  await receivers.until('all have come', () => after.every((text) => intake.texts.includes(text)))
  await receivers.time.pass(10_000)
  expect(intake.texts.filter((text) => text.startsWith('before'))).toHaveLength(before.length)
  expect(receivers.logged).toContainEqual({ level: 'error', event: 'leases:forgotten', data: { stream: 'positions', group } })
})

it('leases nothing when it is handed back before it has started', async () => {
  const receivers = new TestReceivers(1)
  const receiver = receivers.make(new RecordingIntake(), {})
  const started = receiver.start()
  await receiver.pause()
  await receiver.handBack()
  await started
  await receivers.time.pass(20_000)
  expect(receivers.noteOf(0)).toBeUndefined()
})

it('ends the reading of a shard that is lost while it is paused', async () => {
  const receivers = new TestReceivers(1)
  let open = 0
  const inner = receivers.reader()
  async function* reader(options: Parameters<ShardReader>[0]): ReturnType<ShardReader> {
    open++
    try {
      return yield* inner(options)
    } finally {
      open--
    }
  }
  const { receiver, intake } = await receivers.join({ reader })
  await receivers.until('it reads', () => open === 1)
  await receiver.pause()
  await receivers.time.pass(1_000)
  receivers.store.free(`${group}/shard/${receivers.shards[0]?.id}`)
  await receivers.until('it is lost', () => intake.lostScopes.size === 1)
  await receivers.time.pass(1_000)
  expect(open).toBe(0)
  receivers.put(0, 'm')
  await receiver.resume()
  await receivers.until('it is read again', () => intake.texts.includes('m'))
})

it('fails to start where there is no stream, and holds nothing then', async () => {
  const receivers = new TestReceivers(1)
  const api = { describe: () => Promise.reject(kinesisError('ERR_NOT_FOUND', 'no stream positions')) }
  await expect(receivers.join({ api: api as never })).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
  expect(receivers.store.total).toBe(0)
})

it('reads no child before its parent is done, also when the parent has expired meanwhile', async () => {
  const receivers = new TestReceivers(1)
  receivers.put(0, 'parent')
  const one = await receivers.join({ acks: (text) => text !== 'parent' })
  const two = await receivers.join({ acks: all })
  await receivers.time.pass(2_000)
  receivers.split(0)
  receivers.put(1, 'left')
  receivers.put(2, 'right')
  await receivers.time.pass(70_000)
  receivers.shards.shift()
  await receivers.time.pass(600_000)
  expect([...one.intake.texts, ...two.intake.texts]).toEqual(['parent'])
  await one.intake.settle(one.intake.held('parent'))
  await receivers.until('the children come', () => one.intake.arrived.length + two.intake.arrived.length === 3)
  expect([one, two].flatMap(({ intake }) => intake.failures)).toEqual([])
})
