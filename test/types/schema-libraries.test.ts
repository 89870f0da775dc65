import { createBroker, queue } from '@busbar/core'
import { memory } from '@busbar/memory'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { arkOrder, valibotOrder, zodOrder } from './schemas.ts'

const card = '4111111111111111'

describe.each([
  ['zod', zodOrder, z.object({ card: z.number(), lines: z.array(z.object({ sku: z.string() })) })],
  ['valibot', valibotOrder, v.object({ card: v.number(), lines: v.array(v.object({ sku: v.string() })) })],
  ['arktype', arkOrder, type({ card: 'number', lines: type({ sku: 'string' }).array() })],
] as const)('%s', (_library, order, strict) => {
  it('validates what is sent, sends the input, and gives the output to the handler', async () => {
    const orders = queue('orders', { schema: order, orderingKey: ({ customerId }) => customerId })
    await using broker = createBroker({ driver: memory(), destinations: [orders], provision: 'create' })
    const bodies: unknown[] = []
    await broker.consume(orders, ({ body }) => void bodies.push(body))
    await broker.producer(orders).send({ id: 'a', customerId: 'c', total: '12.5' })
    await expect.poll(() => bodies).toEqual([{ id: 'a', customerId: 'c', total: 12.5, note: '' }])
  })

  it('refuses what is wrong with the path to it, and does not repeat the value', async () => {
    const cards = queue('cards', { schema: strict })
    await using broker = createBroker({ driver: memory(), destinations: [cards], provision: 'create' })
    const error: unknown = await broker
      .producer(cards)
      .send({ card, lines: [{ sku: 'a' }, { sku: 123_456 }] } as never)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_INVALID', retryable: false })
    const { message } = error as Error
    expect(message).toContain('card: ')
    expect(message).toContain('lines.1.sku: ')
    expect(message).not.toContain(card)
    expect(message).not.toContain('123456')
  })
})
