import { queue, stream, text, topic, type Broker } from '@busbar/core'
import { z } from 'zod'
import { zodOrder, type Reading } from '../schemas.ts'

declare const broker: Broker

const orders = queue('orders', { schema: zodOrder })
const placed = topic('placed', { schema: zodOrder })
const positions = stream<Reading>('positions')
const billing = placed.subscription('billing')
const tracker = positions.subscription('tracker')
const quotes = queue('quotes', { schema: z.object({ sku: z.string() }), reply: z.object({ cents: z.number() }) })

// A topic or stream is not a source: the error says what to do.

// error: A topic has no messages of its own: consume one of its subscriptions, topic.subscription(name)
await broker.consume(placed, () => {})

// error: A stream has no position of its own: consume one of its subscriptions, stream.subscription(name)
await broker.consume(positions, () => {})

// error: A topic has no messages of its own: consume one of its subscriptions, topic.subscription(name)
await broker.consumeBatches(placed, () => {})

// error: A stream has no position of its own: consume one of its subscriptions, stream.subscription(name)
broker.messages(positions)

// error: Not a queue or subscription
await broker.consume('orders', () => {})

// error: A topic has no messages of its own: consume one of its subscriptions, topic.subscription(name)
broker.deadLetters(placed)

// error: A stream has no position of its own: consume one of its subscriptions, stream.subscription(name)
broker.deadLetters(positions)

// error: A topic has no messages of its own: consume one of its subscriptions, topic.subscription(name)
await broker.stats(placed)

// error: Not a queue or subscription
await broker.stats('orders')

// error: A stream has no position of its own: consume one of its subscriptions, stream.subscription(name)
broker.blockedKeys(positions)

// A subscription is not a destination.

// error: A subscription only receives: send to the topic or stream that it belongs to
broker.producer(billing)

// error: A subscription only receives: send to the topic or stream that it belongs to
broker.producer(tracker)

// error: Not a queue, topic or stream
broker.producer('orders')

// What is sent is the input of the schema, not its output.

// error: Type 'number' is not assignable to type 'string'
await broker.producer(orders).send({ id: 'a', customerId: 'c', total: 5 })

// error: Property 'customerId' is missing
await broker.producer(placed).send({ id: 'a', total: '5' })

// error: 'custommerId' does not exist in type
await broker.producer(orders).sendBatch([{ id: 'a', custommerId: 'c', customerId: 'c', total: '5' }])

// What is received is its output.

// error: Property 'missing' does not exist on type '{ id: string; customerId: string; total: number; note: string; }'
await broker.consume(orders, (message) => void message.body.missing)

// error: Property 'toUpperCase' does not exist on type 'number'
await broker.consume(billing, (message) => void message.body.total.toUpperCase())

// Keys and ids are computed from the JSON view of the input.

// error: Property 'getTime' does not exist on type 'string'
queue<Reading>('readings', { orderingKey: (reading) => String(reading.at.getTime()) })

// error: Property 'toFixed' does not exist on type 'string'
queue('orders', { schema: zodOrder, messageId: (order) => order.total.toFixed(2) })

// error: Type 'number' is not assignable to type 'string'
stream<Reading>('positions', { orderingKey: (reading) => reading.point.lat })

// Options are known.

// error: 'orderingKye' does not exist in type
queue('orders', { orderingKye: () => 'x' })

// error: Only a queue answers requests: queue(name, { schema, reply: schemaOfTheReply })
topic<Reading>('placed', { reply: zodOrder })

// error: Only a queue answers requests: queue(name, { schema, reply: schemaOfTheReply })
stream('positions', { schema: zodOrder, reply: zodOrder })

// error: Type '"strict"' is not assignable to type '"destination" | "key" | "none"
stream<Reading>('positions', { requires: { ordering: 'strict' } })

// error: A topic keeps nothing to start from: define a stream, stream(name).subscription(name, { startFrom })
placed.subscription('late', { startFrom: 'earliest' })

// error: Type '"first"' is not assignable to type 'StartFrom
positions.subscription('late', { startFrom: 'first' })

// error: Type 'Codec<string>' is not assignable to type 'Codec<number>'
queue<number>('numbers', { codec: text })

// Filters are typed against the body.

// error: 'totalCents' does not exist in type
placed.subscription('filtered', { filter: { totalCents: [5] } })

// error: Type 'number' is not assignable to type
placed.subscription('filtered', { filter: { total: [5] } })

// error: Type 'string' is not assignable to type 'readonly
placed.subscription('filtered', { filter: { id: 'a' } })

// error: 'numeric' does not exist in type
placed.subscription('filtered', { filter: { total: [{ numeric: ['>', 5] }] } })

// error: 'prefix' does not exist in type
positions.subscription('filtered', { filter: { point: { lat: [{ prefix: 'x' }] } } })

// error: is not assignable to type '"<" | "<="
positions.subscription('filtered', { filter: { point: { lat: [{ numeric: ['>', 5, '>', 6] }] } } })

// error: 'wildcard' does not exist in type
positions.subscription('filtered', { filter: { id: [{ wildcard: 'x*' }] } })

// error: 'latt' does not exist in type
positions.subscription('filtered', { filter: { point: { latt: [5] } } })

// error: Type 'number' is not assignable to type
positions.subscription('filtered', { headerFilter: { tenant: [5] } })

// error: Source has 1 element(s) but target requires 2
positions.subscription('filtered', { filter: { $or: [{ id: ['x'] }] } })

// Replies have a type.

// error: Type 'string' is not assignable to type 'number'
await broker.consume(quotes, () => ({ cents: '5' }))

// error: This queue declares a reply: return it, or retryLater(ms) or deadLetter(reason)
await broker.consume(quotes, async () => {})

// error: This queue declares a reply: return it, or retryLater(ms) or deadLetter(reason)
await broker.consume(quotes, () => {})

// error: not assignable
await broker.consume(quotes, () => ({ misuse: 'This queue declares a reply: return it, or retryLater(ms) or deadLetter(reason)' }))

// error: Property 'euros' does not exist on type '{ cents: number; }'
await broker.request(quotes, { sku: 'a' }).then((quote) => quote.euros)

// error: Type 'number' is not assignable to type 'string'
await broker.request(quotes, { sku: 5 })

// error: Only a queue that declares a reply answers requests: queue(name, { schema, reply: schemaOfTheReply })
await broker.request(placed, { id: 'a', customerId: 'c', total: '5' })

// error: This queue declares no reply: queue(name, { schema, reply: schemaOfTheReply })
await broker.request(orders, { id: 'a', customerId: 'c', total: '5' })

// Parameters in a topic's name are asked for, and typed.

const located = topic('trucks/{truckId}/parts/{part}', { schema: zodOrder })
const computed = topic('trucks/{truckId}', { schema: zodOrder, parameters: (order) => ({ truckId: order.id }) })

// error: Expected 2 arguments, but got 1
await broker.producer(located).send({ id: 'a', customerId: 'c', total: '5' })

// error: Expected 2 arguments, but got 1
await broker.producer(located).sendBatch([{ id: 'a', customerId: 'c', total: '5' }])

// error: Property 'parameters' is missing
await broker.producer(located).send({ id: 'a', customerId: 'c', total: '5' }, { headers: {} })

// error: Property 'part' is missing
await broker.producer(located).send({ id: 'a', customerId: 'c', total: '5' }, { parameters: { truckId: '42' } })

// error: 'truck' does not exist in type
await broker.producer(computed).send({ id: 'a', customerId: 'c', total: '5' }, { parameters: { truckId: '42', truck: '7' } })

// error: Type 'number' is not assignable to type 'string'
await broker.producer(computed).send({ id: 'a', customerId: 'c', total: '5' }, { parameters: { truckId: 42 } })

// error: 'parameters' does not exist in type
await broker.producer(placed).send({ id: 'a', customerId: 'c', total: '5' }, { parameters: { truckId: '42' } })

// error: 'parameters' does not exist in type
await broker.producer(orders).send({ id: 'a', customerId: 'c', total: '5' }, { parameters: { truckId: '42' } })

// error: No overload matches this call
topic('trucks/{truckId}', { schema: zodOrder, parameters: (order) => ({ id: order.id }) })

// error: The name of this topic holds no parameters: topic('trucks/{truckId}')
placed.subscription('fixed', { parameters: { truckId: '42' } })

// error: 'truck' does not exist in type
located.subscription('fixed', { parameters: { truck: '42' } })

// error: 'parameters' does not exist in type
positions.subscription('fixed', { parameters: { truckId: '42' } })

// error: Property 'truck' does not exist on type
await broker.consume(located.subscription('all'), (message) => void message.parameters.truck)

// error: 'message.parameters' is possibly 'undefined'
await broker.consume(billing, (message) => void message.parameters.truckId)

// error: 'parameters' does not exist in type
queue<Reading>('trucks', { parameters: () => ({ truckId: '42' }) })
