import type { ContractCase } from '../case.ts'
import { check, checkEqual } from '../kit/assert.ts'
import { headersOf, type MessageParts } from '../kit/messages.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Incoming } from '@busbar/core/driver'

const headers: ContractCase = {
  id: 'sending/headers',
  title: 'headers arrive with the same names, letter case and values, and no others',
  examines: [],
  kills: ['headers-dropped', 'header-case-folded', 'header-added', 'last-header-dropped', 'headers-with-prototype'],
  async run(context) {
    const sent = { tenant: 'acme', 'X-Mixed-Case': 'Kept As Is', 'a.b-c_d': 'dots', long: 'v'.repeat(1_000), number: '1e3', flag: 'true' }
    const incoming = await oneThrough(context, { body: 'headers', headers: headersOf(sent) })
    checkEqual(sorted(incoming.headers), sorted(sent), 'headers')
    check(Object.getPrototypeOf(incoming.headers) === null, 'headers are a null-prototype record: a header may be named as a member of Object')
  },
}

const headerValues: ContractCase = {
  id: 'sending/header-values',
  title: 'header values keep spaces, quotes and characters of every plane, and may be empty',
  examines: [],
  kills: ['header-values-trimmed', 'empty-header-dropped'],
  async run(context) {
    const sent = { empty: '', spaces: '  both ends ', quotes: '"a", \'b\' \\ c; d=e', unicode: 'ü日本🚌', json: '{"a":[1,2]}', percent: '100% %41' }
    const incoming = await oneThrough(context, { body: 'values', headers: headersOf(sent) })
    checkEqual(sorted(incoming.headers), sorted(sent), 'headers')
  },
}

const manyHeaders: ContractCase = {
  id: 'sending/many-headers',
  title: 'as many headers as declared arrive (at most 50 are tried)',
  examines: ['maxHeaders'],
  kills: ['headers-beyond-ten-dropped'],
  async run(context) {
    const place = await context.place()
    const count = place.capabilities.maxHeaders === false ? 50 : Math.min(50, place.capabilities.maxHeaders)
    const sent = Object.fromEntries(Array.from({ length: count }, (_, index) => [`header-${index}`, `value ${index}`]))
    const incoming = await oneThrough(context, { body: 'many', headers: headersOf(sent) })
    checkEqual(sorted(incoming.headers), sorted(sent), 'headers')
  },
}

const headersStayApart: ContractCase = {
  id: 'sending/headers-per-message',
  title: 'in a batch every message keeps its own headers and metadata',
  examines: ['maxBatch'],
  kills: ['headers-shared-in-batch'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const count = Math.min(10, place.capabilities.maxBatch.messages)
    const messages = Array.from({ length: count }, (_, index) => ({
      body: `b-${index}`,
      type: `t-${index}`,
      headers: headersOf(index % 2 === 0 ? { n: String(index) } : {}),
    }))
    await session.send(place, messages)
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(messages.map(({ body }) => body)), 'all messages arrive', context.harness.bounds.arrivalMs)
    for (const { body, type, headers: expected } of messages) {
      const { incoming } = inbox.latest(body).delivery
      checkEqual([sorted(incoming.headers), incoming.type], [sorted(expected), type], `headers and type of ${body}`)
    }
  },
}

const metadata: ContractCase = {
  id: 'sending/metadata',
  title: 'id, type, content type, timestamp, key, attempt, correlation id and reply address arrive as sent, the timestamp cut to its resolution',
  examines: ['timestampResolutionMs'],
  kills: [
    'id-replaced',
    'type-dropped',
    'content-type-dropped',
    'timestamp-shifted',
    'attempt-dropped',
    'correlation-id-dropped',
    'overclaims-timestamp-resolution',
  ],
  async run(context) {
    const parts = {
      id: 'Order-17',
      type: 'order.placed',
      contentType: 'application/json',
      timestamp: Math.floor(context.harness.clock.now()) - 12_345,
      attempt: 3,
      correlationId: 'c-42',
      replyTo: 'replies.7',
    }
    const incoming = await oneThrough(context, { body: '{"metadata":true}', ...parts })
    for (const field of ['id', 'type', 'contentType', 'attempt', 'correlationId', 'replyTo'] as const) checkEqual(incoming[field], parts[field], field)
    const { timestampResolutionMs: resolution } = (await context.place()).capabilities
    checkEqual(incoming.timestamp, Math.floor(parts.timestamp / resolution) * resolution, 'timestamp')
  },
}

const orderingKey: ContractCase = {
  id: 'sending/ordering-key',
  title: 'the ordering key arrives as sent',
  examines: ['ordering'],
  kills: ['key-dropped'],
  keyed: true,
  applies: ({ ordering }) => ordering !== 'none',
  async run(context) {
    const incoming = await oneThrough(context, { body: 'keyed', key: 'Truck-7!~' })
    checkEqual(incoming.key, 'Truck-7!~', 'key')
  },
}

const noBusbarHeaders: ContractCase = {
  id: 'sending/own-headers-hidden',
  title: 'the header that carries metadata is not shown among the user headers',
  examines: [],
  kills: ['own-header-shown'],
  async run(context) {
    const incoming = await oneThrough(context, { body: 'hidden', type: 'a.b', attempt: 2, correlationId: 'c' })
    check(Object.keys(incoming.headers).length === 0, () => `no user headers were sent, but these arrived: ${JSON.stringify(incoming.headers)}`)
  },
}

export const headerCases: readonly ContractCase[] = [headers, headerValues, manyHeaders, headersStayApart, metadata, orderingKey, noBusbarHeaders]

async function oneThrough(context: CaseContext, parts: MessageParts): Promise<Incoming> {
  const place = await context.place()
  const session = await context.connect()
  await session.send(place, [parts])
  const inbox = await session.receive(place)
  await context.waiting.eventually(() => inbox.arrivals.length > 0, 'the message arrives', context.harness.bounds.arrivalMs)
  const [first] = inbox.arrivals
  check(first !== undefined, 'the message arrived')
  return first.delivery.incoming
}

function sorted(record: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1))
}
