import { retryLater } from '@busbar/core'
import type { ContractCase } from '../case.ts'
import { check, checkOrder, show } from '../kit/assert.ts'
import { keyOf, type Handled } from '../kit/broker-kit.ts'
import { ordered } from '../kit/capabilities.ts'
import { interleaved } from './keys.ts'

const underFailure: ContractCase = {
  id: 'ordering/under-failure',
  title: 'a handler that fails for one key keeps that key in order and does not stop the others',
  examines: ['ordering', 'keyHold', 'redelivery'],
  kills: ['delivery-reversed'],
  keyed: true,
  applies: ({ ordering, settlement }) => ordering !== 'none' && settlement !== false,
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const handled: Handled[] = []
    const succeeded: string[] = []
    const failures = new Map<string, number>()
    const running = new Set<string>()
    const messages = interleaved(['a', 'b', 'c'], 6)
    const producer = broker.producer(place.destination)
    // Half of them wait in the source already, and come together; half come one by one.
    await Promise.all(messages.slice(0, 9).map(({ body }) => producer.send(body)))
    await broker.consume(
      place.source,
      context.api.recording(handled, (message) => {
        const key = keyOf(message.body)
        check(!running.has(key), `key ${key} is handled one message at a time`)
        running.add(key)
        try {
          const failed = failures.get(message.body) ?? 0
          failures.set(message.body, failed + 1)
          if (key === 'a' && failed < 2 && message.body !== 'a:1') return retryLater(100)
          succeeded.push(message.body)
        } finally {
          running.delete(key)
        }
        return undefined
      }),
      { concurrency: 4 },
    )
    await Promise.all(messages.slice(9).map(({ body }) => producer.send(body)))
    await context.waiting.eventually(
      () => new Set(succeeded).size === messages.length,
      () => `all messages are handled; ${new Set(succeeded).size} of ${messages.length} were`,
      context.againMs(await context.place()) + 60_000,
    )
    for (const key of ['a', 'b', 'c']) {
      const expected = messages.map(({ body }) => body).filter((body) => keyOf(body) === key)
      checkOrder(
        succeeded.filter((body) => keyOf(body) === key),
        expected,
        `order of key ${key}`,
      )
    }
    const starts = [...new Set(handled.map(({ text }) => text))].filter((body) => keyOf(body) === 'a')
    checkOrder(starts, [...new Set(succeeded.filter((body) => keyOf(body) === 'a'))], 'starts of the failing key')
  },
}

const oneHandler: ContractCase = {
  id: 'ordering/one-handler',
  title: 'a consumer with one handler, and defaults for everything else, works off many keys, each in order',
  examines: ['ordering', 'settlement'],
  kills: ['small-consumers-refused'],
  keyed: true,
  applies: (capabilities) => ordered(capabilities) && capabilities.settlement !== false,
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const keys = Array.from('abcdefghij')
    const messages = interleaved(keys, 3).map(({ body }) => body)
    for (const result of await broker.producer(place.destination).sendBatch(messages)) check(result.ok, () => `all are sent; one was not: ${show(result)}`)
    const handled: string[] = []
    await broker.consume(
      place.source,
      ({ body }) => {
        handled.push(body)
        context.changes.notify()
      },
      { concurrency: 1 },
    )
    await context.waiting.eventually(
      () => new Set(handled).size === messages.length,
      () => `all messages are handled; ${new Set(handled).size} of ${messages.length} were`,
      context.againMs(await context.place()) + 30_000,
    )
    for (const key of keys)
      checkOrder(
        handled.filter((body) => keyOf(body) === key),
        messages.filter((body) => keyOf(body) === key),
        `order of key ${key}`,
      )
  },
}

export const handlerOrderCases: readonly ContractCase[] = [underFailure, oneHandler]
