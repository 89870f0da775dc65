import { queue, text } from '@busbar/core'
import { expect, it } from 'vitest'
import { brokerOn, unique } from './support/wire.ts'

it.each([false, true])('drops what repeats a message without a key, with high throughput: %s', async (highThroughput) => {
  const orders = queue<string>(unique('orders'), { codec: text, deduplicationId: (body) => body })
  await using broker = brokerOn([orders], {}, { routes: { [orders.name]: { options: { fifo: true, highThroughput } } } })
  for (const body of ['a', 'b', 'a', 'a']) await broker.producer(orders).send(body)
  expect(await broker.stats(orders)).toMatchObject({ ready: 2 })
})
