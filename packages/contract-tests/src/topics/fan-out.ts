import type { ContractCase } from '../case.ts'
import { check, checkEqual, show } from '../kit/assert.ts'
import { headersOf, numbered } from '../kit/messages.ts'
import { fallsSilent } from '../settling/ack.ts'
import { holdMs } from '../kit/capabilities.ts'

const copies: ContractCase = {
  id: 'topics/copy-per-subscription',
  title: 'every subscription gets every message, with body and headers of its own',
  examines: ['subscriptions'],
  kills: ['one-subscription-only', 'copies-without-headers'],
  kinds: ['topic', 'stream'],
  applies: ({ subscriptions }) => subscriptions !== false,
  async run(context) {
    const places = await context.places(3)
    const session = await context.connect()
    const inboxes = []
    for (const place of places) inboxes.push(await session.receive(place, { react: () => 'ack' }))
    const [first] = places
    check(first !== undefined, 'there are subscriptions')
    const bodies = numbered('m', 10)
    await session.send(
      first,
      bodies.map((body) => ({ body, headers: headersOf({ body }) })),
    )
    for (const [index, inbox] of inboxes.entries()) {
      await context.waiting.eventually(
        () => inbox.has(bodies),
        () => `subscription ${index + 1} gets all messages; it got ${show(inbox.distinct())}`,
        context.harness.bounds.arrivalMs,
      )
      for (const { text, delivery } of inbox.arrivals) checkEqual({ ...delivery.incoming.headers }, { body: text }, 'headers of a copy')
    }
  },
}

const independent: ContractCase = {
  id: 'topics/settled-apart',
  title: 'what one subscription acks is not acked for another',
  examines: ['subscriptions', 'settlement'],
  kills: ['ack-shared-by-subscriptions'],
  kinds: ['topic', 'stream'],
  applies: ({ subscriptions, settlement }) => subscriptions !== false && settlement !== false,
  waitsMs: holdMs,
  async run(context) {
    const [one, two] = await context.places(2)
    check(one !== undefined && two !== undefined, 'there are two subscriptions')
    const session = await context.connect()
    const bodies = numbered('m', 3)
    await session.send(one, bodies)
    const held = await session.receive(two)
    await context.waiting.eventually(() => held.has(bodies), 'the second subscription gets all', context.harness.bounds.arrivalMs)
    const acked = await session.receive(one, { react: () => 'ack' })
    await context.waiting.eventually(() => acked.has(bodies), 'the first subscription gets all', context.harness.bounds.arrivalMs)
    const next = await context.takeOver(session, held, () => 'ack')
    await context.waiting.eventually(
      () => next.inbox.has(bodies),
      () => `the second subscription gets again what it did not ack; it got ${show(next.inbox.distinct())}`,
      context.againMs(two),
    )
    await fallsSilent(context, session, acked)
  },
}

const noOldNews: ContractCase = {
  id: 'topics/nothing-older',
  title: 'a new subscription of a topic gets nothing that was sent before it was made',
  examines: ['subscriptions'],
  kills: ['new-subscription-gets-old'],
  kinds: ['topic'],
  applies: ({ subscriptions }) => subscriptions !== false,
  async run(context) {
    const [one, two] = await context.places(2)
    check(one !== undefined && two !== undefined, 'there are two subscriptions')
    const session = await context.connect()
    await session.send(one, ['old'])
    const first = await session.receive(one, { react: () => 'ack' })
    await context.waiting.eventually(() => first.has(['old']), 'the old message arrives at the old subscription', context.harness.bounds.arrivalMs)
    const source = { ...two.source, subscription: { name: 'newcomer' } }
    await context.create([source])
    const late = await session.receive({ ...two, source })
    await session.send(one, ['new'])
    await context.waiting.eventually(() => late.has(['new']), 'the new subscription gets new messages', context.harness.bounds.arrivalMs)
    await context.waiting.never(() => late.has(['old']), 'the new subscription gets an old message', context.harness.bounds.quietMs)
  },
}

const durable: ContractCase = {
  id: 'topics/durable',
  title: 'a durable subscription gets what was sent while nobody received from it',
  examines: ['subscriptions'],
  kills: ['offline-subscription-misses'],
  kinds: ['topic', 'stream'],
  applies: ({ subscriptions }) => subscriptions === 'durable',
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const inbox = await session.receive(place, { react: () => 'ack' })
    await session.send(place, ['before'])
    await context.waiting.eventually(() => inbox.has(['before']), 'a message arrives', context.harness.bounds.arrivalMs)
    await session.handBack(inbox)
    await session.close()
    const sender = await context.connect()
    await sender.send(place, numbered('offline', 5))
    const next = await (await context.connect()).receive(place, { react: () => 'ack' })
    await context.waiting.eventually(
      () => next.has(numbered('offline', 5)),
      () => `what was sent in between arrives; only ${show(next.distinct())} did`,
      context.againMs(place),
    )
  },
}

const oneAlone: ContractCase = {
  id: 'topics/send-to-one-subscription',
  title: 'where dead letters can be redriven, what is sent to one subscription reaches it and no other',
  examines: ['redrive', 'subscriptions'],
  kills: ['redrive-to-all-subscriptions', 'overclaims-redrive'],
  kinds: ['topic', 'stream'],
  applies: ({ redrive, subscriptions, settlement }) => redrive !== 'none' && subscriptions !== false && settlement !== false,
  async run(context) {
    const [one, two] = await context.places(2)
    check(one !== undefined && two !== undefined, 'there are two subscriptions')
    const session = await context.connect()
    const [wanted, other] = [await session.receive(one, { react: () => 'ack' }), await session.receive(two, { react: () => 'ack' })]
    await session.send({ ...one, destination: one.source }, ['for one'])
    await context.waiting.eventually(() => wanted.has(['for one']), 'it arrives at its subscription', context.harness.bounds.arrivalMs)
    await context.waiting.never(() => other.has(['for one']), 'it arrives at another subscription', context.harness.bounds.quietMs)
  },
}

export const fanOutCases: readonly ContractCase[] = [copies, independent, noOldNews, durable, oneAlone]
