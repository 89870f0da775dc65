import { describe, expect, it } from 'vitest'
import { TestReceivers, type Joined } from './test-support/receivers.ts'

const all = (): boolean => true
const numbered = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, index) => `${prefix}-${index + 1}`)

describe('a page that was read ahead', () => {
  /** A shard of two pages, of which one and a half wait: what is done is done, and no more fits. */
  async function halfHandedOut(receivers: TestReceivers): Promise<Joined> {
    receivers.putAll(0, 'm', 40)
    receivers.split(0)
    receivers.putAll(1, 'left', 1)
    const joined = await receivers.join({ window: { messages: 10, bytes: 100_000 } })
    await receivers.until('both pages have been read', () => joined.reads === 2)
    await receivers.time.pass(1_000)
    expect(joined.intake.arrived).toHaveLength(10)
    return joined
  }

  it('is handed out before its shard has ended, though all before it is done', async () => {
    const receivers = new TestReceivers(1)
    const { intake } = await halfHandedOut(receivers)
    while (intake.arrived.length < 40) {
      await intake.settle([...intake.unsettled])
      expect(receivers.noteOf(1)).toBeUndefined()
      await receivers.time.pass(3_000)
    }
    expect(intake.texts).toEqual(numbered('m', 40))
    intake.acks = all
    await intake.settle([...intake.unsettled])
    await receivers.until('the child has come', () => intake.texts.includes('left-1'))
  })

  it('is read again by who takes the shard over, and its shard does not count as read', async () => {
    const receivers = new TestReceivers(1)
    const { intake, receiver } = await halfHandedOut(receivers)
    await intake.settle([...intake.unsettled])
    await receivers.during(receiver.handBack())
    const next = await receivers.join({ acks: all })
    await receivers.until('all has come', () => next.intake.texts.includes('left-1'))
    const handled = new Set([...intake.texts, ...next.intake.texts])
    expect(handled.size).toBe(41)
  })

  it('is not handed out twice when a failure makes the reading begin anew', async () => {
    const receivers = new TestReceivers(1)
    receivers.putAll(0, 'm', 100)
    const joined = await receivers.join({ window: { messages: 10, bytes: 100_000 } })
    const { intake } = joined
    const id = receivers.shards[0]?.id ?? ''
    receivers.broken.set(id, new Error('cut'))
    await intake.settle(intake.held('m-1'))
    intake.acks = all
    await receivers.time.pass(5_000)
    receivers.broken.delete(id)
    await intake.settle([...intake.unsettled])
    await receivers.until('all have come', () => intake.arrived.length === 100)
    expect(intake.texts).toEqual(numbered('m', 100))
  })
})
