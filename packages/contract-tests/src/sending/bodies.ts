import type { ContractCase } from '../case.ts'
import { check, checkEqual, checkSameMembers } from '../kit/assert.ts'
import { bytesOf } from '../kit/messages.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Place } from '../kit/place.ts'
import type { Session } from '../kit/session.ts'

/** Text that brokers and encodings are known to change: quotes, controls, byte order marks, other planes, JSON and base64 look-alikes. */
const awkwardTexts = [
  ' leading and trailing ',
  '\u0000\u0001\u001f\u007f',
  'line one\r\nline two\n\ttabbed',
  '"quoted" \\ back\\slash \' & <xml/> %20 ${x} {{y}}',
  'häßlich, 日本語, العربية, 🚌🔌, e\u0301',
  '\ufeffafter a byte order mark',
  '\ufffd\uffff',
  '{"v":1,"Message":"looks like an envelope"}',
  'bG9va3MgbGlrZSBiYXNlNjQ=',
  '0',
  'null',
]

const awkwardBytes = [
  Uint8Array.from({ length: 256 }, (_, index) => index),
  Uint8Array.of(0xff, 0xfe, 0xfd),
  Uint8Array.of(0xc3),
  Uint8Array.of(0),
  Uint8Array.of(0xed, 0xa0, 0x80),
]

/** Largest body that the suite sends, where the broker takes more. */
const largestBytes = 2_097_152

const textRoundTrip: ContractCase = {
  id: 'sending/text-body',
  title: 'a text body arrives as the same bytes whatever characters it holds, or is refused as invalid; it is never changed or lost',
  examines: [],
  kills: ['text-trimmed', 'line-ends-changed', 'text-normalised', 'body-counted-in-characters'],
  run: (context) => roundTrip(context, awkwardTexts),
}

const bytesRoundTrip: ContractCase = {
  id: 'sending/bytes-body',
  title: 'a body of bytes arrives as the same bytes, valid UTF-8 or not',
  examines: [],
  kills: ['bytes-through-utf8'],
  run: (context) => roundTrip(context, awkwardBytes),
}

const emptyBody: ContractCase = {
  id: 'sending/empty-body',
  title: 'an empty body arrives and is empty, or is refused as invalid; it is never lost',
  examines: [],
  kills: ['empty-body-dropped'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const taken = await sendOrRefuse(session, place, ['', new Uint8Array(0)])
    await session.send(place, ['after'])
    const inbox = await session.receive(place)
    const empty = (): number => new Set(inbox.arrivals.filter(({ text }) => text === '').map(({ delivery }) => delivery.incoming.id)).size
    await context.waiting.eventually(
      () => inbox.has(['after']) && empty() >= taken.length,
      () => `the ${taken.length} empty bodies that were taken arrive, and the message after them; arrived: ${JSON.stringify(inbox.texts())}`,
      context.harness.bounds.arrivalMs,
    )
    for (const { delivery, text } of inbox.arrivals) check(delivery.incoming.bodyBytes === text.length, 'bodyBytes is the size of the body')
  },
}

const largeBodies: ContractCase = {
  id: 'sending/large-body',
  title: 'bodies of every size up to the limit arrive whole',
  examines: ['maxMessageBytes'],
  kills: ['large-body-lost', 'large-body-truncated', 'size-limit-overstated'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const sender = session.sender(place)
    const overhead = sender.sizeOf(session.outgoing({ body: '' }))
    const limit = Math.min(place.capabilities.maxMessageBytes, largestBytes) - overhead
    const sizes = [...new Set([1_000, 1_024, 4_095, 65_535, 65_537, limit - 1, limit])].filter((size) => size <= limit)
    const bodies = sizes.map((size) => `${size}:`.padEnd(size, 'x'))
    await session.send(place, bodies)
    const inbox = await session.receive(place)
    await context.waiting.eventually(
      () => inbox.distinct().length >= bodies.length,
      () =>
        `bodies of ${sizes.join(', ')} bytes arrive; arrived: ${inbox
          .distinct()
          .map((body) => body.length)
          .join(', ')}`,
      context.harness.bounds.arrivalMs,
    )
    checkSameMembers(inbox.distinct(), bodies, 'large bodies')
  },
}

const sizeOf: ContractCase = {
  id: 'sending/size-of',
  title: 'sizeOf counts body, headers and metadata, so that a message over the limit is refused before it is sent',
  examines: ['maxMessageBytes'],
  kills: ['size-of-ignores-headers', 'size-of-counts-characters'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const sender = session.sender(place)
    // Not compared with an empty body: where the broker takes none, something else is sent in its place.
    const size = (body: string, headers: Record<string, string> = {}): number => sender.sizeOf(session.outgoing({ body, headers }))
    check(size('x'.repeat(5_001)) - size('x') >= 5_000, 'a body of 5,000 bytes more adds at least 5,000 to sizeOf')
    check(size('ä'.repeat(5_001)) - size('ä') >= 10_000, 'a body is counted in UTF-8 bytes, not in characters')
    check(size('x', { tenant: 'x'.repeat(500) }) - size('x') >= 500, 'a header value of 500 bytes adds at least 500 to sizeOf')
  },
}

const tooLarge: ContractCase = {
  id: 'sending/too-large',
  title: 'a message over the limit is refused with ERR_TOO_LARGE, and its neighbours in the batch arrive',
  examines: ['maxMessageBytes'],
  kills: ['oversize-truncated'],
  applies: ({ maxMessageBytes }) => maxMessageBytes <= 64 * 1_048_576,
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const { maxMessageBytes } = (await context.place()).capabilities
    const results = await broker.producer(place.destination).sendBatch(['before', 'x'.repeat(maxMessageBytes + 1), 'after'])
    check(results[0]?.ok === true && results[2]?.ok === true, 'the messages beside it are sent')
    check(
      results[1]?.ok === false && results[1].error.code === 'ERR_TOO_LARGE' && results[1].stored === 'no',
      () => `the message over the limit answers ERR_TOO_LARGE, stored: no; got ${JSON.stringify(results[1])}`,
    )
    const seen: string[] = []
    await broker.consume(place.source, (message) => {
      seen.push(message.body)
      context.changes.notify()
    })
    await context.waiting.eventually(() => seen.includes('before') && seen.includes('after'), 'both neighbours arrive', context.harness.bounds.arrivalMs)
    check(
      seen.every((body) => body.length < 10),
      'nothing of the refused message arrives',
    )
  },
}

export const bodyCases: readonly ContractCase[] = [textRoundTrip, bytesRoundTrip, emptyBody, largeBodies, sizeOf, tooLarge]

async function roundTrip(context: CaseContext, bodies: readonly (string | Uint8Array)[]): Promise<void> {
  const place = await context.place()
  const session = await context.connect()
  const taken = await sendOrRefuse(session, place, bodies)
  const inbox = await session.receive(place)
  await context.waiting.eventually(
    () => new Set(inbox.arrivals.map(({ delivery }) => delivery.incoming.id)).size >= taken.length,
    () => `${taken.length} messages arrive, ${inbox.arrivals.length} did`,
    context.harness.bounds.arrivalMs,
  )
  const hex = (body: string | Uint8Array): string => Array.from(bytesOf(body), (byte) => byte.toString(16).padStart(2, '0')).join('')
  checkSameMembers(
    inbox.arrivals.map(({ delivery }) => hex(delivery.incoming.body)),
    taken.map(hex),
    'bodies as hexadecimal bytes',
  )
  for (const { delivery } of inbox.arrivals) checkEqual(delivery.incoming.bodyBytes, bytesOf(delivery.incoming.body).length, 'bodyBytes')
}

// Characters that XML 1.0 has no place for, which some brokers (SQS) do not take.
const outsideXml = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u

/** Sends one by one. Only an empty text and one with characters outside XML may be refused, and only as invalid. Returns what was taken. */
async function sendOrRefuse<B extends string | Uint8Array>(session: Session, place: Place, bodies: readonly B[]): Promise<B[]> {
  const taken: B[] = []
  for (const body of bodies) {
    const [result] = await session.trySend(place, [{ body }])
    const text = typeof body === 'string' ? body : ''
    if (result?.ok === true) taken.push(body)
    else
      check(
        (text === '' || outsideXml.test(text)) && result?.error.code === 'ERR_INVALID' && result.stored === 'no',
        () => `${JSON.stringify(text)} is taken, or refused with ERR_INVALID; got ${JSON.stringify(result)}`,
      )
  }
  return taken
}
