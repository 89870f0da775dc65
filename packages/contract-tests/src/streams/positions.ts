import type { Capabilities, StartFrom } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, checkOrder, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Inbox } from '../kit/inbox.ts'
import { numbered } from '../kit/messages.ts'
import type { Place } from '../kit/place.ts'
import type { Session } from '../kit/session.ts'

/** Can subscriptions start there? */
const replays =
  (from: 'earliest' | 'timestamp' | 'position') =>
  ({ replay, settlement }: Capabilities): boolean =>
    settlement !== false && replay !== false && replay[from]
const at = (place: Place, name: string, startFrom: StartFrom): Place => ({ ...place, source: { ...place.source, subscription: { name, startFrom } } })

const earliest: ContractCase = {
  id: 'streams/earliest',
  title: 'a subscription that starts from the earliest position gets everything retained, in order; one from the latest only what comes after it was made',
  examines: ['replay'],
  kills: ['earliest-skips-first', 'latest-gets-old'],
  kinds: ['stream'],
  applies: replays('earliest'),
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const old = numbered('old', 5)
    await sendInTurn(session, place, old)
    const [fromStart, fromEnd] = [at(place, 'from-start', 'earliest'), at(place, 'from-end', 'latest')]
    await context.create([fromStart.source, fromEnd.source])
    const last = await session.receive(fromEnd, { react: () => 'ack' })
    const first = await session.receive(fromStart, { react: () => 'ack' })
    await session.send(place, [{ body: 'new', key: 'a' }])
    await context.waiting.eventually(
      () => first.has([...old, 'new']) && last.has(['new']),
      () => `all get what is theirs; earliest: ${show(first.distinct())}, latest: ${show(last.distinct())}`,
      context.harness.bounds.arrivalMs,
    )
    checkOrder(first.texts(), [...old, 'new'], 'order from the earliest')
    await context.waiting.never(() => last.has([old[4] ?? '']), 'the subscription from the latest position gets an old message', context.harness.bounds.quietMs)
  },
}

const timestamp: ContractCase = {
  id: 'streams/timestamp',
  title: 'a subscription that starts from a time gets what was sent since then',
  examines: ['replay'],
  kills: ['timestamp-ignored'],
  kinds: ['stream'],
  applies: replays('timestamp'),
  waitsMs: () => 4_000,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, ['before'])
    await context.waiting.until(context.now + 2_000)
    const since = context.harness.clock.now()
    await context.waiting.until(context.now + 2_000)
    await session.send(place, ['after'])
    const later = at(place, 'since', { timestamp: since })
    await context.create([later.source])
    const inbox = await session.receive(later, { react: () => 'ack' })
    await context.waiting.eventually(() => inbox.has(['after']), 'what was sent since arrives', context.harness.bounds.arrivalMs)
    await context.waiting.never(() => inbox.has(['before']), 'what was sent before arrives', context.harness.bounds.quietMs)
  },
}

const position: ContractCase = {
  id: 'streams/position',
  title: 'messages carry their position, and a subscription that starts from one gets the message at it and what comes after it',
  examines: ['replay'],
  kills: ['position-missing', 'position-ignored', 'position-skipped'],
  kinds: ['stream'],
  applies: replays('position'),
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 5)
    await sendInTurn(session, place, bodies)
    const inbox = await session.receive(place, { react: () => 'ack' })
    await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.harness.bounds.arrivalMs)
    const third = inbox.latest('m-3').delivery.incoming.position
    check(third !== undefined, 'a message of a stream has a position')
    const later = at(place, 'from-third', { position: third })
    await context.create([later.source])
    const replay = await session.receive(later, { react: () => 'ack' })
    const wanted = bodies.slice(2)
    await context.waiting.eventually(
      () => replay.has(wanted),
      () => `what is at the position and after it arrives: ${show(wanted)}; only ${show(replay.distinct())} did`,
      context.harness.bounds.arrivalMs,
    )
    check(!replay.has(['m-1']) && !replay.has(['m-2']), 'what lies before the position does not')
  },
}

const seek: ContractCase = {
  id: 'streams/seek',
  title: 'seeking to the earliest position replays the stream',
  examines: ['replay'],
  kills: ['seek-no-op'],
  kinds: ['stream'],
  applies: replays('earliest'),
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 4)
    await sendInTurn(session, place, bodies)
    const { since } = await soughtTo(context, session, place, { startFrom: 'earliest', all: bodies, again: bodies })
    checkOrder(since(), bodies, 'order of the replay')
  },
}

const checkpoint: ContractCase = {
  id: 'streams/checkpoint',
  title: 'the next consumer of a subscription goes on where the last one stopped, neither from the start nor from the end',
  examines: ['settlement', 'subscriptions'],
  kills: ['checkpoint-forgotten', 'checkpoint-at-end'],
  kinds: ['stream'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const done = numbered('done', 5)
    await sendInTurn(session, place, done)
    const inbox = await session.receive(place, { react: () => 'ack' })
    await context.waiting.eventually(() => inbox.has(done), 'all messages arrive', context.harness.bounds.arrivalMs)
    await session.handBack(inbox)
    await session.close()
    const sender = await context.connect()
    await sendInTurn(sender, place, numbered('open', 5))
    const next = await (await context.connect()).receive(place, { react: () => 'ack' })
    await context.waiting.eventually(
      () => next.has(numbered('open', 5)),
      () => `what was sent in between arrives; only ${show(next.distinct())} did`,
      context.againMs(place),
    )
    check(!next.has(['done-1']), 'what was acked does not come again')
  },
}

const seekTimestamp: ContractCase = {
  id: 'streams/seek-timestamp',
  title: 'seeking to a time replays what was sent since then, and nothing older',
  examines: ['replay'],
  kills: ['seek-timestamp-ignored'],
  kinds: ['stream'],
  applies: replays('timestamp'),
  waitsMs: () => 4_000,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, [{ body: 'before', key: 'a' }])
    await context.waiting.until(context.now + 2_000)
    const since = context.harness.clock.now()
    await context.waiting.until(context.now + 2_000)
    await session.send(place, [{ body: 'after', key: 'a' }])
    await seeksTo(context, session, place, { startFrom: { timestamp: since }, all: ['before', 'after'], again: ['after'] })
  },
}

const seekPosition: ContractCase = {
  id: 'streams/seek-position',
  title: 'a send tells the position of its message, and seeking to it replays that message and what comes after it',
  examines: ['replay'],
  kills: ['send-without-position', 'seek-position-ignored', 'position-skipped'],
  kinds: ['stream'],
  applies: replays('position'),
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 5)
    const positions: (string | undefined)[] = []
    for (const body of bodies) {
      const [result] = await session.trySend(place, [{ body, key: 'a' }])
      positions.push(result?.ok === true ? result.position : undefined)
    }
    const third = positions[2]
    check(third !== undefined, () => `every send tells the position of its message; they told ${show(positions)}`)
    const inbox = await seeksTo(context, session, place, { startFrom: { position: third }, all: bodies, again: bodies.slice(2) })
    for (const [index, body] of bodies.entries()) {
      const received = inbox.arrivals.filter(({ text }) => text === body).map(({ delivery }) => delivery.incoming.position)
      check(received.includes(positions[index]), () => `${body} is received at the position ${positions[index]} that its send told, not at ${show(received)}`)
    }
  },
}

const seekAbsent: ContractCase = {
  id: 'streams/seek-absent',
  title: 'where nothing can be read again, a receiver has no seek',
  examines: ['replay'],
  kills: ['seeks-without-saying'],
  applies: ({ replay, settlement }) => replay === false && settlement !== false,
  async run(context) {
    const session = await context.connect()
    const { receiver } = await session.receive(await context.place())
    check(receiver.seek === undefined, 'a receiver has seek if and only if replay is claimed')
  },
}

export const positionCases: readonly ContractCase[] = [earliest, timestamp, position, seek, seekTimestamp, seekPosition, seekAbsent, checkpoint]

interface Seek {
  readonly startFrom: StartFrom
  readonly all: readonly string[]
  /** What must come again. */
  readonly again: readonly string[]
}

interface Sought {
  readonly inbox: Inbox
  /** What has come since the seek. */
  readonly since: () => string[]
}

/** Receives `all`, seeks, and waits until `again` has come. */
async function soughtTo(context: CaseContext, session: Session, place: Place, { startFrom, all, again }: Seek): Promise<Sought> {
  const inbox = await session.receive(place, { react: () => 'ack' })
  await context.waiting.eventually(() => inbox.has(all), 'all messages arrive', context.harness.bounds.arrivalMs)
  await context.waiting.until(context.now + context.harness.bounds.quietMs)
  const before = inbox.arrivals.length
  check(inbox.receiver.seek !== undefined, 'a receiver of a stream that replays can seek')
  await inbox.receiver.seek(startFrom)
  const since = (): string[] => inbox.arrivals.slice(before).map(({ text }) => text)
  await context.waiting.eventually(
    () => again.every((body) => since().includes(body)),
    () => `${show(again)} come again; only ${show(since())} did`,
    context.harness.bounds.arrivalMs,
  )
  return { inbox, since }
}

/** The first of `all` must not come again. */
async function seeksTo(context: CaseContext, session: Session, place: Place, seeking: Seek): Promise<Inbox> {
  const { inbox, since } = await soughtTo(context, session, place, seeking)
  await context.waiting.never(() => since().includes(seeking.all[0] ?? ''), 'what lies before comes again', context.harness.bounds.quietMs)
  return inbox
}

/** One after the other: where a stream has shards, only then is there an order to speak of. */
async function sendInTurn(session: Session, place: Place, bodies: readonly string[]): Promise<void> {
  for (const body of bodies) await session.send(place, [{ body, key: 'a' }])
}
