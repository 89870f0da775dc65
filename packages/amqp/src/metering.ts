import type { Services } from '@busbar/core/driver'
import type { Channel } from 'amqplib'

/** What the methods of a channel send, by the name of AMQP. `basic.publish` is counted where messages are published, by the batch. */
const calls: Readonly<Partial<Record<keyof Channel, string>>> = {
  ack: 'basic.ack',
  nack: 'basic.nack',
  reject: 'basic.reject',
  get: 'basic.get',
  consume: 'basic.consume',
  cancel: 'basic.cancel',
  prefetch: 'basic.qos',
  assertQueue: 'queue.declare',
  checkQueue: 'queue.declare',
  deleteQueue: 'queue.delete',
  bindQueue: 'queue.bind',
  assertExchange: 'exchange.declare',
  checkExchange: 'exchange.declare',
  deleteExchange: 'exchange.delete',
  bindExchange: 'exchange.bind',
}

/** Counts what `channel` sends from now on. Here, and not where it is called, so that no call is forgotten. */
export function metered<C extends Channel>(channel: C, meter: Services['meter']): C {
  for (const [method, call] of Object.entries(calls)) {
    const send = Reflect.get(channel, method) as (...parameters: unknown[]) => unknown
    Reflect.set(channel, method, (...parameters: unknown[]) => {
      // Throws if the channel is closed, and then nothing was sent.
      const answer = send.apply(channel, parameters)
      meter(call, 1)
      return answer
    })
  }
  return channel
}
