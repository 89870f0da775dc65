import { expect, it } from 'vitest'
import { seeded } from '../group/test-support/virtual-time.ts'
import type { KinesisReceiver } from './receiver.ts'
import { group, TestReceivers } from './test-support/receivers.ts'
import { WorkingIntake } from './test-support/working-intake.ts'

interface Process {
  readonly receiver: KinesisReceiver
  readonly intake: WorkingIntake
}

const window = { messages: 12, bytes: 150 }

/** Of a record. */
const largestBytes = 34

/** Processes come, go and are killed, shards are split, the window changes, reading fails, and the store is not always there and loses what it was told last; then there is peace. */
async function disturb(seed: number): Promise<{ readonly handled: readonly string[]; readonly put: readonly string[]; readonly receivers: TestReceivers }> {
  const random = seeded(seed)
  const receivers = new TestReceivers(3)
  const handled: string[] = []
  const put: string[] = []
  const living: Process[] = []
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const join = (): void => {
    const intake = new WorkingIntake({ time: receivers.time, random, onHandled: (text) => void handled.push(text) })
    const receiver = receivers.make(intake, { window, wrap: () => receivers.store.client(() => !intake.dead) })
    intake.receiver = receiver
    void receiver.start()
    living.push({ receiver, intake })
  }
  const leave = (process: Process): Process => {
    living.splice(living.indexOf(process), 1)
    return process
  }
  for (let count = 0; count < 3; count++) join()
  for (let step = 0; step < 60; step++) {
    for (let records = 0; records < 8; records++) {
      const open = receivers.shards.flatMap((shard, index) => (shard.open ? [index] : []))
      const shard = pick(open)
      const text = `${shard}/${receivers.shards[shard]?.records.length}`
      receivers.put(shard, text.padEnd(5 + Math.floor(random() * (largestBytes - 4))))
      put.push(text)
    }
    const what = random()
    if (what < 0.06 && receivers.shards.length < 12) receivers.split(receivers.shards.findIndex(({ open }) => open))
    else if (what < 0.14 && living.length > 1) leave(pick(living)).intake.dead = true
    else if (what < 0.24 && living.length > 1) {
      const { receiver, intake } = leave(pick(living))
      await receiver.pause()
      void intake.end().then(() => receiver.handBack())
    } else if (what < 0.36 && living.length < 5) join()
    else if (what < 0.42) {
      const { receiver } = pick(living)
      await receiver.pause()
      void receivers.time.sleep(3_000).then(() => receiver.resume())
    } else if (what < 0.5) receivers.broken.set(pick(receivers.shards).id, new Error('reading fails'))
    else if (what < 0.6) receivers.broken.clear()
    else if (what < 0.66) receivers.store.faults = { down: 0.1, lost: 0.1, slow: 0.02 }
    else if (what < 0.8) receivers.store.faults = {}
    else if (what < 0.88) receivers.store.free(`${group}/shard/${pick(receivers.shards).id}`)
    await receivers.time.pass(2_000 * random())
    for (const { intake } of living) {
      expect(intake.most.messages).toBeLessThanOrEqual(window.messages)
      // But for one.
      expect(intake.most.bytes).toBeLessThanOrEqual(window.bytes + largestBytes)
    }
  }
  receivers.broken.clear()
  receivers.store.faults = {}
  if (living.length < 3) join()
  await receivers.until('all are handled', () => new Set(handled.map((text) => text.trim())).size === put.length, 300_000)
  return { handled: handled.map((text) => text.trim()), put, receivers }
}

it.each(Array.from({ length: 10 }, (_, seed) => 500 + seed))(
  'receivers lose nothing, keep the order of each shard and the window, whatever happens (seed %i)',
  async (seed) => {
    const { handled, put, receivers } = await disturb(seed)
    const first = [...new Set(handled)]
    expect(first).toHaveLength(put.length)
    for (const [index, { records, parents }] of receivers.shards.entries()) {
      const own = first.filter((text) => text.startsWith(`${index}/`))
      expect(own).toEqual(Array.from({ length: records.length }, (_, number) => `${index}/${number}`))
      // Parents are done before.
      for (const parent of parents) {
        const before = receivers.shards.findIndex(({ id }) => id === parent)
        const begins = first.findIndex((text) => text.startsWith(`${index}/`))
        if (begins !== -1) expect(first.findLastIndex((text) => text.startsWith(`${before}/`))).toBeLessThan(begins)
      }
    }
  },
)
