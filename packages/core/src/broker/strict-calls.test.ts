import { describe, expect, it } from 'vitest'
import { queue } from '../definitions/queue.ts'
import { stream } from '../definitions/stream.ts'
import { topic } from '../definitions/topic.ts'
import type { Message } from '../message.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'
import { createBroker } from './create-broker.ts'
import type { Broker } from './types.ts'

const orders = queue<string>('orders')

function make(): Broker {
  return createBroker({ driver: new NaiveDriver(), destinations: [orders], log: () => undefined })
}

const firstOf = (messages: AsyncIterable<unknown>): Promise<unknown> => messages[Symbol.asyncIterator]().next()

describe('options that nobody knows', () => {
  it.each<[string, (broker: Broker) => Promise<unknown>, RegExp]>([
    ['start', (broker) => broker.start({ sgnal: undefined } as never), /start: unknown option 'sgnal'; did you mean 'signal'/],
    ['provision', (broker) => broker.provision({ moed: 'verify' } as never), /provision: unknown option 'moed'; did you mean 'mode'/],
    ['stats', (broker) => broker.stats(orders, { sgnal: undefined } as never), /stats: unknown option 'sgnal'/],
    ['idle', (broker) => broker.idle({ timeout: 5 } as never), /idle: unknown option 'timeout'/],
    ['a time of idle that is none', (broker) => broker.idle({ timeoutMs: 'x' } as never), /idle: timeoutMs must be a number/],
    ['sendBatch', (broker) => broker.producer(orders).sendBatch(['a', 'b'], { id: 'same' } as never), /sendBatch: unknown option 'id'/],
    [
      'consume with a function as use',
      (broker) => broker.consume(orders, () => undefined, { use: (() => undefined) as never }),
      /use must be a list of middleware, not function/,
    ],
    ['consume with a text as use', (broker) => broker.consume(orders, () => undefined, { use: 'x' as never }), /use must be a list of middleware, not string/],
    [
      'consume with nothing in use',
      (broker) => broker.consume(orders, () => undefined, { use: [undefined] as never }),
      /use: there is no middleware, but undefined/,
    ],
    ['consume with an empty object in use', (broker) => broker.consume(orders, () => undefined, { use: [{}] as never }), /use: there is no middleware, but/],
    ['producer with a function as use', (broker) => broker.producer(orders, { use: (() => undefined) as never }).send('a'), /use must be a list of middleware/],
    ['messages', (broker) => firstOf(broker.messages(orders, { concurrency: 3 } as never)), /messages: unknown option 'concurrency'/],
    ['consume, a signal that is none', (broker) => broker.consume(orders, () => undefined, { signal: {} as never }), /consume: signal must be an AbortSignal/],
  ])('are refused by %s', async (_, call, text) => {
    const broker = make()
    await expect(call(broker)).rejects.toThrow(text)
    await broker.close()
  })

  it('are refused by the settle calls of a message, which stays unsettled', async () => {
    const broker = make()
    const texts: string[] = []
    const settle = async (message: Message<string>): Promise<void> => {
      for (const call of [() => message.nack({ delay: 60_000 } as never), () => message.deadLetter({ why: 'no' } as never)])
        texts.push(await call().then(() => 'settled', String))
    }
    await broker.consume(orders, settle)
    await broker.producer(orders).send('a')
    await turns()
    expect(texts).toEqual([expect.stringMatching(/nack: unknown option 'delay'/), expect.stringMatching(/deadLetter: unknown option 'why'/)])
    await broker.close()
  })

  it('name another definition of the same name', () => {
    expect(() => make().producer(queue<string>('orders'))).toThrow(/there are two different definitions named 'orders'; define it once and share it/)
  })
})

describe('what is given in place of a definition or of options', () => {
  const placed = topic<string>('placed')
  const log = stream<string>('log')
  const billing = placed.subscription('billing')

  it.each<[string, (broker: Broker) => unknown, string]>([
    ['consume with a name', (broker) => broker.consume('orders' as never, () => undefined), 'A source is needed, as queue(name) makes one, not string'],
    ['consume with nothing', (broker) => broker.consume(undefined as never, () => undefined), 'A source is needed, as queue(name) makes one, not undefined'],
    ['producer of nothing', (broker) => broker.producer(undefined as never), 'A destination is needed, as queue(name) makes one, not undefined'],
    ['producer of null', (broker) => broker.producer(null as never), 'A destination is needed, as queue(name) makes one, not null'],
    ['consume of a topic', (broker) => broker.consume(placed as never, () => undefined), "'placed' is a topic: receive from topic.subscription(name)"],
    ['dead letters of a topic', (broker) => broker.deadLetters(placed as never), "'placed' is a topic: receive from topic.subscription(name)"],
    ['stats of a stream', (broker) => broker.stats(log as never), "'log' is a stream: receive from stream.subscription(name)"],
    ['producer of a subscription', (broker) => broker.producer(billing as never), "'placed.billing' is a subscription: send to its topic"],
    [
      'request of a topic',
      (broker) => broker.request(placed as never, 'anyone?' as never),
      "request: the topic 'placed' declares no reply; define it with queue(name, { schema, reply })",
    ],
    ['producer with null', (broker) => broker.producer(orders, null as never), 'producer: options must be an object, not null'],
    ['consume with null', (broker) => broker.consume(orders, () => undefined, null as never), 'consume: options must be an object, not null'],
    [
      'consumeBatches with null',
      (broker) => broker.consumeBatches(orders, () => undefined, null as never),
      'consumeBatches: options must be an object, not null',
    ],
    ['messages with null', (broker) => firstOf(broker.messages(orders, null as never)), 'messages: options must be an object, not null'],
    ['send with null', (broker) => broker.producer(orders).send('a', null as never), 'send: options must be an object, not null'],
    ['drain with null', (broker) => broker.drain(null as never), 'drain: options must be an object, not null'],
  ])('is named by %s, with what is needed', async (_, call, text) => {
    const broker = createBroker({ driver: new NaiveDriver(), destinations: [orders, placed, log, billing], log: () => undefined })
    const error = await (async () => call(broker))().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toBe(text)
    await broker.close()
  })
})

describe('provision', () => {
  it('does nothing when its signal has fired, and waits no longer when it fires', async () => {
    const driver = new NaiveDriver()
    const broker = createBroker({ driver, destinations: [orders], log: () => undefined })
    await expect(broker.provision({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    expect(driver.connected).toBe(0)
    driver.connect = () => new Promise(() => undefined)
    const controller = new AbortController()
    const provisioning = broker.provision({ signal: controller.signal })
    await turns()
    controller.abort()
    await expect(provisioning).rejects.toMatchObject({ name: 'AbortError' })
    await expect(broker.provision({ signal: {} as never })).rejects.toThrow('provision: signal must be an AbortSignal, not object')
    await broker.close()
  })
})
