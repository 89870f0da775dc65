import { describe, expect, it } from 'vitest'
import { text } from '../codec/text.ts'
import { isBrokerError } from '../errors.ts'
import type { StandardSchema } from '../standard-schema.ts'
import { queue } from './queue.ts'
import { stream } from './stream.ts'
import { topic } from './topic.ts'

const schema: StandardSchema<{ id: string }> = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: value as { id: string } }) } }
const kinds: readonly ((name: string) => { readonly name: string })[] = [queue, topic, stream]

describe('definitions', () => {
  it('hold their parts', () => {
    const orders = queue('orders', { schema, reply: schema, codec: undefined as never, orderingKey: (order) => order.id, requires: { delayMs: 5 } })
    expect(orders).toMatchObject({ kind: 'queue', name: 'orders', schema, reply: schema, options: { requires: { delayMs: 5 } } })
    expect(orders.options.orderingKey?.({ id: 'k' })).toBe('k')
    expect(Object.keys(orders.options)).not.toContain('schema')
    expect(queue<string>('plain')).toEqual({ kind: 'queue', name: 'plain', schema: undefined, reply: undefined, options: {} })
    expect(topic('t', { codec: text })).toMatchObject({ kind: 'topic', name: 't', schema: undefined, options: { codec: text } })
    expect(stream('s', { schema })).toMatchObject({ kind: 'stream', name: 's', schema })
  })

  it('cannot be changed', () => {
    const placed = topic('placed', { schema })
    const billing = placed.subscription('billing', { filter: { id: ['a'] } })
    for (const frozen of [placed, placed.options, billing, billing.options, billing.options.filter, billing.options.filter?.id])
      expect(Object.isFrozen(frozen)).toBe(true)
  })

  it('accept schemas that are functions', () => {
    const callable = Object.assign(() => {}, schema)
    expect(queue('orders', { schema: callable }).schema).toBe(callable)
  })

  it.each(['a', 'A.b-c_9', '0', 'x'.repeat(80)])('accept the name %j', (name) => {
    for (const define of kinds) expect(define(name).name).toBe(name)
  })

  it.each(['', '.a', '-a', '_a', 'a b', 'a/b', 'ä', 'x'.repeat(81), 'a\n', undefined, 5, null])('refuse the name %j', (name) => {
    for (const define of kinds) expect(() => define(name as string)).toThrow(TypeError)
  })

  it.each([
    [{ orderingKye: () => 'x' }, "queue 'orders': unknown option 'orderingKye'; did you mean 'orderingKey'?"],
    [{ orderingKey: 'id' }, "queue 'orders': orderingKey must be a function of the body"],
    [{ messageId: 5 }, "queue 'orders': messageId must be a function of the body"],
    [{ type: '' }, "queue 'orders': type must be a text or a function of the body"],
    [{ schema: {} }, "queue 'orders': schema must be a Standard Schema, version 1"],
    [{ reply: { '~standard': { version: 2, validate: () => {} } } }, "queue 'orders': reply must be a Standard Schema, version 1"],
    [{ codec: { contentType: 'x/y' } }, "queue 'orders': codec must have a contentType and the functions encode and decode"],
    [{ requires: { delay: 5 } }, "queue 'orders': requires: unknown option 'delay'"],
    [{ requires: { delayMs: -1 } }, "queue 'orders': requires: delayMs must be a whole number ≥ 0, not -1"],
    [{ requires: { ordering: 'strict' } }, "queue 'orders': requires: ordering must be 'none', 'key' or 'destination'"],
    [{ requires: { ordering: 'key' } }, "queue 'orders': requires: ordering 'key' needs an orderingKey"],
    [{ requires: { confirms: 'yes' } }, "queue 'orders': requires: confirms must be true or false"],
    [null, "queue 'orders': the options must be an object"],
  ])('refuse the options %j', (options, message) => {
    expect(() => queue('orders', options as object)).toThrow(message)
  })

  it('let only queues have replies', () => {
    expect(() => topic('t', { reply: schema } as object)).toThrow("topic 't': unknown option 'reply'")
    expect(() => stream('s', { reply: schema } as object)).toThrow("stream 's': unknown option 'reply'")
  })
})

describe('subscriptions', () => {
  const placed = topic<{ total: number }>('placed')
  const positions = stream<{ lat: number }>('positions')

  it('belong to their topic or stream', () => {
    expect(placed.subscription('billing')).toEqual({ kind: 'subscription', name: 'billing', of: placed, options: {} })
    const tracker = positions.subscription('tracker', { startFrom: { timestamp: 5 }, headerFilter: { tenant: ['acme'] } })
    expect(tracker).toMatchObject({ of: positions, options: { startFrom: { timestamp: 5 }, headerFilter: { tenant: ['acme'] } } })
  })

  it('keep a copy of their filter', () => {
    const total: unknown[] = [{ numeric: ['>', 5] }]
    const billing = placed.subscription('billing', { filter: { total } as never })
    total.push('x')
    expect(billing.options.filter).toEqual({ total: [{ numeric: ['>', 5] }] })
  })

  it.each(['', 'a.b', '-a', 'a b', 'x'.repeat(81), undefined])('refuse the name %j', (name) => {
    expect(() => placed.subscription(name as string)).toThrow("topic 'placed': subscription: the name must be 1 to 80 letters, digits, '-' and '_'")
  })

  it('check filters when they are defined', () => {
    const define = [
      () => placed.subscription('billing', { filter: { total: [{ numeric: ['>', 6, '<', 5] }] } }),
      () => placed.subscription('billing', { headerFilter: { tenant: [5 as never] } }),
    ]
    const errors = define.map((run) => {
      try {
        return run()
      } catch (error) {
        return error
      }
    })
    expect(errors.every((error) => isBrokerError(error) && error.code === 'ERR_CONFIGURATION')).toBe(true)
    expect(errors.map((error) => (error as Error).message)).toEqual([
      "subscription 'placed.billing': filter, key 'total': Bottom must be less than top",
      "subscription 'placed.billing': headerFilter, key 'tenant': 5 never matches; header values are text: compare with a string",
    ])
  })

  it.each(['first', {}, { timestamp: '5' }, { timestamp: 5, position: 'x' }, { position: '' }, 5, null])('refuse to start from %j', (startFrom) => {
    expect(() => positions.subscription('tracker', { startFrom: startFrom as never })).toThrow(
      "subscription 'positions.tracker': startFrom must be 'earliest', 'latest'",
    )
  })

  it('refuse unknown options, and startFrom on a topic', () => {
    expect(() => placed.subscription('billing', { filtre: {} } as object)).toThrow("unknown option 'filtre'; did you mean 'filter'?")
    expect(() => placed.subscription('billing', { startFrom: 'earliest' } as object)).toThrow('startFrom is for streams; a topic keeps nothing to start from')
  })
})
