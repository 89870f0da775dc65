import { deadLetter, queue, retryLater, text, type Broker, type InputOf, type OutputOf } from '@busbar/core'
import { z } from 'zod'
import type { Equal, Expect } from './expect-types.ts'

declare const broker: Broker

const Sku = z.object({ sku: z.string() })
const Quote = z.object({ cents: z.string().transform(Number) })

const quotes = queue('quotes', { schema: Sku, reply: Quote })
const lines = queue('lines', { codec: text, reply: Quote })
const typed = queue<{ sku: string }, { cents: string }, { cents: number }>('typed', { reply: Quote })

export type Replies = [
  Expect<Equal<InputOf<typeof quotes>, { sku: string }>>,
  Expect<Equal<OutputOf<typeof quotes>, { sku: string }>>,
  Expect<Equal<Awaited<ReturnType<typeof ask>>, { cents: number }>>,
  Expect<Equal<Awaited<ReturnType<typeof askLines>>, { cents: number }>>,
  Expect<Equal<Awaited<ReturnType<typeof askTyped>>, { cents: number }>>,
]

function ask() {
  return broker.request(quotes, { sku: 'a' }, { timeoutMs: 5_000 })
}
function askLines() {
  return broker.request(lines, 'a')
}
function askTyped() {
  return broker.request(typed, { sku: 'a' })
}

// A handler answers with the input of the reply schema, or puts the message off.

await broker.consume(quotes, ({ body }) => ({ cents: body.sku }))
await broker.consume(quotes, async ({ body }) => (body.sku === '' ? deadLetter('no sku') : { cents: '5' }))
await broker.consume(quotes, ({ body }) => (body.sku === '' ? retryLater(500) : { cents: '5' }))
await broker.consume(lines, ({ body }) => ({ cents: body.toUpperCase() }))

// Without a reply a handler may return anything.

await broker.consume(queue<number>('numbers'), ({ body }) => body)
await broker.consume(queue<number>('numbers'), async () => retryLater(5))
await broker.consume(queue<number>('numbers'), () => {})
