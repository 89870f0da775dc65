import { expect, it } from 'vitest'
import { SqsDelivery } from './delivery.ts'
import { Held } from './held.ts'

function delivery(id: string, visibilityMs: number): SqsDelivery {
  const reading = { fifo: false, envelope: undefined, isDeadLetterPlace: false, addressOf: (arn: string) => arn }
  return new SqsDelivery({ MessageId: id, ReceiptHandle: `r-${id}`, Body: 'body' }, reading, visibilityMs, { askedAt: 0, answeredAt: 0 })
}

it('drops what has expired, also after leases were made longer and shorter', () => {
  const held = new Held()
  const [a, b, c] = [delivery('a', 10_000), delivery('b', 20_000), delivery('c', 30_000)]
  for (const each of [a, b, c]) held.add(each)
  held.extend(a, 40_000)
  held.extend(c, 5_000)
  expect(held.nextExpiry()).toBe(5_000)
  held.dropExpired(4_999)
  expect(held.all()).toEqual([a, b, c])
  held.dropExpired(5_000)
  expect(held.all()).toEqual([a, b])
  held.dropExpired(20_000)
  expect(held.all()).toEqual([a])
  held.dropExpired(40_000)
  expect([held.messages, held.bytes]).toEqual([0, 0])
})

it('holds a message once: a redelivery takes the place of the delivery before', () => {
  const held = new Held()
  const [first, second] = [delivery('a', 10_000), delivery('a', 20_000)]
  held.add(first)
  held.add(second)
  held.delete(first)
  expect([held.all(), held.bytes, first.state]).toEqual([[second], 4, 'superseded'])
})
