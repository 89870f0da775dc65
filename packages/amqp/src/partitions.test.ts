import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import type { Intake } from '@busbar/core/driver'
import { resolveOptions } from './options.ts'
import { Partitions } from './partitions.ts'
import type { SubscriptionHost } from './subscription.ts'
import { services } from './test-support/services.ts'

interface FakeChannel {
  readonly joined: boolean
  readonly lose: () => void
}

/** Two partitions, and a broker that answers everybody but, from `mute` on, those who want to be members. */
function partitionsWith(broker: { mute: boolean }): { readonly partitions: Partitions; readonly control: FakeChannel[]; readonly closed: unknown[] } {
  const [control, closed]: [FakeChannel[], unknown[]] = [[], []]
  const connection = {
    openChannel: async (lose: () => void) => {
      const channel = {
        joined: false,
        lose,
        prefetch: async () => undefined,
        consume(queue: string) {
          if (!queue.endsWith('.members')) return Promise.resolve({ consumerTag: 'tag' })
          control.push(channel)
          if (broker.mute) return new Promise(() => undefined)
          channel.joined = true
          return Promise.resolve()
        },
        checkQueue: async () => ({ consumerCount: 1 }),
      }
      return channel
    },
    closeChannel: async (channel: unknown) => void closed.push(channel),
  }
  const host = { manager: { connection }, services, timeoutMs: 50, restoration: { generation: 0, recreate: async () => false } }
  const options = resolveOptions({ url: 'amqp://localhost', rebalanceMs: 100 })
  const partitions = new Partitions('orders', 2, { messages: 10, bytes: 1_000 }, host as unknown as SubscriptionHost, options, {} as Intake)
  return { partitions, control, closed }
}

it('leaves no consumer behind that would count as a member, when the broker does not answer at the start', async () => {
  const { partitions, control, closed } = partitionsWith({ mute: true })
  await expect(partitions.start()).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE', message: expect.stringContaining('50 ms') })
  expect(control).toHaveLength(1)
  expect(closed).toEqual(control)
})

it('joins once, however long the broker takes to say so', async () => {
  const broker = { mute: false }
  const { partitions, control, closed } = partitionsWith(broker)
  await partitions.start()
  expect(control.map(({ joined }) => joined)).toEqual([true])
  broker.mute = true
  control[0]?.lose()
  await expect.poll(() => control.length, { timeout: 5_000 }).toBe(2)
  // For more looks, none of which is answered.
  await pause(500)
  expect(control.map(({ joined }) => joined)).toEqual([true, false])
  await partitions.stop()
  expect(closed).toContain(control[1])
})
