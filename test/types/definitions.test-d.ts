import {
  bytes,
  json,
  queue,
  stream,
  text,
  topic,
  type Broker,
  type BrokerOptions,
  type InputOf,
  type JsonView,
  type OutputOf,
  type ParametersOf,
  type Producer,
  type Queue,
} from '@busbar/core'
import { z } from 'zod'
import type { Equal, Expect } from './expect-types.ts'
import { arkOrder, valibotOrder, zodOrder, type OrderInput, type OrderOutput, type Reading } from './schemas.ts'

declare const broker: Broker

// Inputs and outputs come from the schema, whatever its library.

const byZod = queue('orders', { schema: zodOrder })
const byValibot = topic('orders', { schema: valibotOrder })
const byArk = stream('orders', { schema: arkOrder })

type Flat<T> = { [K in keyof T]: T[K] }
export type Inference = [
  Expect<Equal<Flat<InputOf<typeof byZod>>, { id: string; customerId: string; total: string; note?: string | undefined }>>,
  Expect<Equal<Flat<OutputOf<typeof byZod>>, Flat<OrderOutput>>>,
  Expect<Equal<Flat<InputOf<typeof byValibot>>, { id: string; customerId: string; total: string; note?: string | undefined }>>,
  Expect<Equal<Flat<OutputOf<typeof byValibot>>, Flat<OrderOutput>>>,
  Expect<Equal<Flat<InputOf<typeof byArk>>, Flat<OrderInput>>>,
  Expect<Equal<Flat<OutputOf<typeof byArk>>, Flat<OrderOutput>>>,
]

// …from the codec, or from a type argument.

const lines = queue('lines', { codec: text })
const blobs = stream('blobs', { codec: bytes })
const readings = topic<Reading>('readings', { codec: json })
const plain = queue('plain')
const untypedJson = queue('untyped', { codec: json })
export type Codecs = [
  Expect<Equal<InputOf<typeof lines>, string>>,
  Expect<Equal<OutputOf<typeof blobs>, Uint8Array>>,
  Expect<Equal<InputOf<typeof readings>, Reading>>,
  Expect<Equal<OutputOf<typeof readings>, Reading>>,
  Expect<Equal<InputOf<typeof plain>, unknown>>,
  Expect<Equal<OutputOf<typeof untypedJson>, unknown>>,
]

// Subscriptions carry the types of their topic or stream.

const audit = byValibot.subscription('audit')
const tracker = byArk.subscription('tracker', { startFrom: { timestamp: 0 } })
export type Subscriptions = [Expect<Equal<OutputOf<typeof audit>, OutputOf<typeof byValibot>>>, Expect<Equal<InputOf<typeof tracker>, InputOf<typeof byArk>>>]

// Keys, ids and types are computed from the JSON view of the input.

queue('keyed', {
  schema: zodOrder,
  orderingKey: (order) => {
    order satisfies { readonly total: string; readonly note?: string | undefined }
    return order.customerId
  },
  messageId: (order) => order.id,
  deduplicationId: (order) => order.id,
  type: (order) => `order.${order.note ?? 'plain'}`,
  requires: { ordering: 'key', delayMs: 60_000 },
})
topic<Reading>('dated', { orderingKey: (reading) => reading.at.slice(0, 10), messageId: ({ id }) => id })
stream('lines', { codec: text, orderingKey: (line) => line.slice(0, 1) })
queue<{ readonly data: Uint8Array }>('binary', { codec: { contentType: 'x/y', encode: ({ data }) => data, decode: (body) => ({ data: body as Uint8Array }) } })

export type Views = [
  Expect<Equal<JsonView<Date>, string>>,
  Expect<
    Equal<
      JsonView<{ a?: Date; b: bigint | string; c: undefined | number }>,
      { readonly a?: string | undefined; readonly b: string; readonly c: undefined | number }
    >
  >,
  Expect<Equal<JsonView<(Date | number)[]>, readonly (string | number)[]>>,
  Expect<Equal<JsonView<[Date, 'x']>, readonly [string, 'x']>>,
  Expect<Equal<JsonView<unknown>, unknown>>,
  Expect<Equal<JsonView<string & { readonly brand: 'id' }>, string & { readonly brand: 'id' }>>,
  Expect<Equal<JsonView<Reading>['at'], string>>,
]

// Filters are typed against the JSON view of the input.

readings.subscription('filtered', {
  filter: {
    id: ['a', { prefix: 'b' }, { 'anything-but': ['x', 'y'] }, { exists: true }],
    at: [{ prefix: '2026-' }],
    tags: ['urgent', { 'equals-ignore-case': 'NEW' }],
    point: { lat: [{ numeric: ['>=', -90, '<=', 90] }], lon: [0, { 'anything-but': 180 }] },
    lines: { sku: ['x'], quantity: [{ numeric: ['>', 1] }] },
    comment: [null, { exists: false }],
    open: [true],
    $or: [{ id: ['a'] }, { point: { lat: [0] } }],
  },
  headerFilter: { tenant: ['acme', { cidr: '10.0.0.0/8' }] },
})
type Event = { readonly kind: 'paid'; readonly cents: number } | { readonly kind: 'failed'; readonly reason: string }
topic<Event>('events').subscription('any', { filter: { kind: ['paid', 'failed'], cents: [{ numeric: ['>', 5] }], reason: [{ exists: false }] } })
plain satisfies Queue
topic('untyped').subscription('any', { filter: { anything: { below: ['x', 5, null] } } })

// Producers take the input, handlers get the output.

export type Producers = [Expect<Equal<ReturnType<typeof producerOf>, Producer<InputOf<typeof byZod>>>>]
function producerOf() {
  return broker.producer(byZod)
}
await broker.producer(byValibot).send({ id: 'a', customerId: 'c', total: '5' })
await broker.producer(byZod).sendBatch([{ id: 'a', customerId: 'c', total: '5', note: 'n' }])
await broker.consume(byZod, (message) => {
  message.body.total satisfies number
  message.body.note satisfies string
})
await broker.consume(audit, async ({ body }, { signal }) => {
  signal satisfies AbortSignal
  body.total satisfies number
})
await broker.consumeBatches(byZod, (messages) => void messages.map((message) => message.body.total satisfies number), { batchSize: 10 })
for await (const message of broker.messages(tracker)) {
  message.body.total satisfies number
  await message.ack()
}

// Any definition can be listed and consumed by generic code.

export const definitions = [byZod, byValibot, byArk, audit, tracker, lines, blobs] satisfies BrokerOptions['destinations']
export const optional = z.object({ a: z.string().optional() })

// The parameters in a topic's name.

const located = topic('trucks/{truckId}/parts/{part}', { schema: zodOrder })
const computed = topic('trucks/{truckId}', { schema: zodOrder, parameters: (order) => ({ truckId: order.customerId }) })
const coded = topic('lines/{tenant}', { codec: text })
const named = topic<Reading, 'readings/{sensor}'>('readings/{sensor}')
const parts = located.subscription('parts', { parameters: { truckId: '42' } })
const order = { id: '1', customerId: 'c', total: '5' }

export type TemplateParameters = [
  Expect<Equal<ParametersOf<typeof located>, { readonly truckId: string; readonly part: string }>>,
  Expect<Equal<ParametersOf<typeof computed>, { readonly truckId: string }>>,
  Expect<Equal<ParametersOf<typeof coded>, { readonly tenant: string }>>,
  Expect<Equal<ParametersOf<typeof named>, { readonly sensor: string }>>,
  Expect<Equal<ParametersOf<typeof parts>, { readonly truckId: string; readonly part: string }>>,
  Expect<Equal<ParametersOf<typeof byValibot>, undefined>>,
  Expect<Equal<ParametersOf<typeof byZod>, undefined>>,
  Expect<Equal<ParametersOf<typeof byArk>, undefined>>,
  Expect<Equal<InputOf<typeof coded>, string>>,
  Expect<Equal<InputOf<typeof named>, Reading>>,
]

await broker.producer(located).send(order, { parameters: { truckId: '42', part: 'door' }, headers: { tenant: 'acme' } })
await broker.producer(located).sendBatch([order], { parameters: { truckId: '42', part: 'door' } })
await broker.producer(computed).send(order)
await broker.producer(computed).send(order, { parameters: { truckId: '7' } })
await broker.producer(coded).send('hello', { parameters: { tenant: 'acme' } })
await broker.consume(parts, ({ parameters, body }) => {
  parameters satisfies { readonly truckId: string; readonly part: string }
  body satisfies OrderOutput
})
await broker.consumeBatches(parts, (messages) => void messages.map(({ parameters }) => parameters.part))
for await (const message of broker.messages(parts)) message.parameters.truckId satisfies string
await broker.consume(broker.deadLetters(parts).queue, ({ parameters }) => void parameters.truckId)
await broker.consume(audit, ({ parameters }) => {
  parameters satisfies undefined
})
broker.producer(byZod) satisfies Producer<InputOf<typeof byZod>>
