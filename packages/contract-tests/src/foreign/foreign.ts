import type { ContractCase } from '../case.ts'
import { check, checkEqual, show } from '../kit/assert.ts'
import type { Handled } from '../kit/broker-kit.ts'
import { bytesOf, textOf } from '../kit/messages.ts'

const plain: ContractCase = {
  id: 'foreign/plain-message',
  title:
    'a message of a plain client is delivered with its body and headers, without metadata that it does not have and without headers that belong to brokers',
  examines: [],
  kills: ['foreign-dropped', 'foreign-metadata-invented', 'broker-headers-handed-on'],
  applies: ({ settlement }) => settlement !== false,
  faults: ['sendForeign'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const inbox = await session.receive(place, { react: () => 'ack' })
    await context.fault('sendForeign')(place.destination.name, context.kind, {
      body: 'from outside',
      headers: { tenant: 'acme', 'x-first-death-queue': 'forged', cc: 'forged' },
    })
    await context.waiting.eventually(() => inbox.has(['from outside']), 'it arrives', context.harness.bounds.arrivalMs)
    const { incoming } = inbox.latest('from outside').delivery
    const { tenant, cc, 'x-first-death-queue': died } = incoming.headers
    checkEqual([tenant, cc, died], ['acme', undefined, undefined], 'header, and those of brokers')
    checkEqual(
      [incoming.type, incoming.attempt, incoming.replyTo, incoming.correlationId],
      [undefined, 0, undefined, undefined],
      'type, attempt, reply address and correlation id',
    )
  },
}

const malformed: readonly string[] = [
  '',
  'not json',
  '{',
  '[]',
  'null',
  '{"v":"1"}',
  '{"v":99,"i":"x"}',
  '{"v":1,"a":-5,"s":"yesterday","i":7}',
  '{"v":1,"a":1e999}',
  `{"v":1,"t":"${'x'.repeat(5_000)}"}`,
]

const forged: ContractCase = {
  id: 'foreign/malformed-metadata',
  title: "malformed or unknown metadata in Busbar's own header is ignored; the body is delivered all the same",
  examines: [],
  kills: ['malformed-metadata-stops-receiver', 'malformed-attempt-believed'],
  applies: ({ settlement }) => settlement !== false,
  faults: ['sendForeign'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const inbox = await session.receive(place, { react: () => 'ack' })
    const send = context.fault('sendForeign')
    for (const [index, busbar] of malformed.entries()) await send(place.destination.name, context.kind, { body: `foreign-${index}`, headers: { busbar } })
    await session.send(place, ['after'])
    const bodies = malformed.map((_, index) => `foreign-${index}`)
    await context.waiting.eventually(
      () => inbox.has([...bodies, 'after']),
      () => `all arrive; missing ${show(bodies.filter((body) => !inbox.has([body])))}`,
      context.harness.bounds.arrivalMs,
    )
    for (const { delivery, text } of inbox.arrivals) {
      check(
        delivery.incoming.attempt >= 0 && Number.isSafeInteger(delivery.incoming.attempt),
        () => `${text}: attempt is a count, not ${delivery.incoming.attempt}`,
      )
      check(delivery.incoming.headers['busbar'] === undefined, "Busbar's own header is not shown")
    }
  },
}

const envelope: ContractCase = {
  id: 'foreign/forged-envelope',
  title: 'a body that looks like an envelope is a body: it cannot give itself an id, an attempt or headers',
  examines: [],
  kills: ['envelope-in-body-believed'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const inbox = await session.receive(place, { react: () => 'ack' })
    const forgeries = [
      JSON.stringify({ v: 1, i: 'forged', a: 99, headers: { admin: 'true' }, body: 'inner' }),
      JSON.stringify({ Type: 'Notification', MessageId: 'forged', Message: 'inner', MessageAttributes: { admin: { Type: 'String', Value: 'true' } } }),
      JSON.stringify({ busbar: { v: 1, i: 'forged', a: 99 } }),
    ]
    await session.send(
      place,
      forgeries.map((body, index) => ({ body, id: `real-${index}` })),
    )
    await context.waiting.eventually(
      () => inbox.has(forgeries),
      () => `the bodies arrive unopened; got ${show(inbox.arrivals.map(({ delivery }) => textOf(delivery.incoming)))}`,
      context.harness.bounds.arrivalMs,
    )
    for (const [index, body] of forgeries.entries()) {
      const { incoming } = inbox.latest(body).delivery
      checkEqual([incoming.id, incoming.attempt, Object.keys(incoming.headers)], [`real-${index}`, 0, []], `metadata of forgery ${index}`)
    }
  },
}

const undecodableBytes = Uint8Array.of(0xff, 0xfe, 0x00, 0xc3)

const undecodable: ContractCase = {
  id: 'foreign/undecodable',
  title: 'a foreign message that cannot be decoded goes to dead letter and stops nothing',
  examines: ['deadLetter'],
  kills: ['foreign-dropped'],
  looksAtDeadLetters: true,
  kinds: ['queue'],
  applies: ({ settlement, deadLetter }) => settlement !== false && deadLetter !== 'none',
  faults: ['sendForeign'],
  async run(context) {
    const place = context.api.place()
    const route = context.api.route()
    const broker = await context.api.broker(place, { route })
    const handled: Handled[] = []
    await broker.consume(place.source, context.api.recording(handled))
    await context.fault('sendForeign')(place.name, context.kind, { body: undecodableBytes })
    await broker.producer(place.destination).send('good')
    await context.waiting.eventually(() => handled.some(({ text }) => text === 'good'), 'the next message is handled', context.harness.bounds.arrivalMs)
    // Received as the driver gives it: where nothing can be looked at, a consumer of the dead letters could not decode it either.
    const dead = context.endpoint(typeof route.deadLetter === 'object' ? (route.deadLetter.destination ?? '') : '', { kind: 'queue' })
    const inbox = await (await context.connect()).receive({ destination: dead, source: dead, capabilities: await context.inspect(dead) })
    await context.waiting.eventually(() => inbox.arrivals.length > 0, 'the undecodable message is in the dead letters', context.againMs(await context.place()))
    checkEqual([...bytesOf(inbox.arrivals[0]?.delivery.incoming.body ?? '')], [...undecodableBytes], 'its body there')
    check(
      handled.every(({ text }) => text === 'good'),
      'the handler never sees it',
    )
  },
}

export const foreignCases: readonly ContractCase[] = [plain, forged, envelope, undecodable]
