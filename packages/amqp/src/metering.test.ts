import type { Channel } from 'amqplib'
import { expect, it } from 'vitest'
import { metered } from './metering.ts'

/** Answers with what it was called with. */
class FakeChannel {
  closed = false
  readonly answers: unknown[] = []

  #answer(...parameters: readonly unknown[]): unknown {
    if (this.closed) throw new Error('closed')
    this.answers.push(parameters)
    return parameters
  }

  readonly ack = (...p: readonly unknown[]): unknown => this.#answer('ack', ...p)
  readonly nack = (...p: readonly unknown[]): unknown => this.#answer('nack', ...p)
  readonly checkQueue = (...p: readonly unknown[]): unknown => this.#answer('checkQueue', ...p)
  assertQueue(...p: readonly unknown[]): unknown {
    return this.#answer('assertQueue', ...p)
  }
}

function counted(): { readonly fake: FakeChannel; readonly channel: Channel; readonly counts: Record<string, number> } {
  const counts: Record<string, number> = {}
  const fake = new FakeChannel()
  const channel = metered(fake as unknown as Channel, (call, count) => (counts[call] = (counts[call] ?? 0) + count))
  return { fake, channel, counts }
}

it('counts calls by their name in AMQP, and passes them on as they are', () => {
  const { channel, counts } = counted()
  const message = {} as Parameters<Channel['ack']>[0]
  channel.ack(message, true)
  channel.nack(message, false, false)
  expect(channel.assertQueue('orders', { durable: true })).toEqual(['assertQueue', 'orders', { durable: true }])
  void channel.checkQueue('orders')
  expect(counts).toEqual({ 'basic.ack': 1, 'basic.nack': 1, 'queue.declare': 2 })
})

it('does not count what a closed channel refuses', () => {
  const { fake, channel, counts } = counted()
  fake.closed = true
  expect(() => void channel.assertQueue('orders')).toThrow('closed')
  expect(counts).toEqual({})
})
