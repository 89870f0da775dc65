import type { ContractCase } from '../case.ts'
import { check, NotApplicable, show } from '../kit/assert.ts'
import type { Handled } from '../kit/broker-kit.ts'
import type { CaseContext } from '../kit/context.ts'
import { holdMs } from '../kit/capabilities.ts'
import { numbered } from '../kit/messages.ts'

/** Between two attempts of a start, as core pauses. */
const longestPauseMs = 5_000

const resubscribes: ContractCase = {
  id: 'reconnect/resubscribes',
  title: 'after a cut a receiver goes on by itself, and a sender sends again',
  examines: ['redelivery'],
  kills: ['never-resubscribes', 'sender-dead-after-cut'],
  applies: ({ settlement }) => settlement !== false,
  faults: ['cutConnections'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const inbox = await session.receive(place, { react: () => 'ack' })
    await session.send(place, ['before'])
    await context.waiting.eventually(() => inbox.has(['before']), 'a message arrives', context.harness.bounds.arrivalMs)
    await context.fault('cutConnections')()
    await context.waiting.poll(
      async () => (await session.trySend(place, [{ body: 'after' }]))[0],
      (result) => result?.ok === true,
      (result) => `a send succeeds again; the last answer was ${show(result)}`,
      context.harness.bounds.reconnectMs,
      50,
    )
    await context.waiting.eventually(
      () => inbox.has(['after']),
      'the receiver delivers again',
      context.harness.bounds.reconnectMs + context.harness.bounds.arrivalMs,
    )
    check(!inbox.failures.some(({ fatal }) => fatal), 'a cut connection is no fatal failure')
  },
}

const sendInOutage: ContractCase = {
  id: 'reconnect/send-during-outage',
  title: 'a send during an outage waits, and is stored once the broker is back',
  examines: [],
  kills: ['unavailable-reported-ok'],
  faults: ['outage'],
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const producer = broker.producer(place.destination)
    const seen = new Set<string>()
    await broker.consume(place.source, (message) => {
      seen.add(message.body)
      context.changes.notify()
    })
    await producer.send('before')
    await context.waiting.eventually(() => seen.has('before'), 'a message arrives before the outage', context.harness.bounds.arrivalMs)
    const outage = await context.fault('outage')()
    const sends = Promise.allSettled(numbered('m', 5).map((body) => producer.send(body, { timeoutMs: 20_000 })))
    await context.waiting.until(context.now + 500)
    await outage.end()
    const results = await context.waiting.settled(sends, 'sends made during an outage', context.harness.bounds.reconnectMs + 20_000)
    const refused = results.filter((result) => result.status === 'rejected')
    check(refused.length === 0, () => `all are stored in the end; ${show(refused.map(({ reason }) => String(reason)))}`)
    await context.waiting.eventually(
      () => ['before', ...numbered('m', 5)].every((body) => seen.has(body)),
      () => `all arrive; only ${show([...seen])} did`,
      context.harness.bounds.reconnectMs + context.harness.bounds.arrivalMs,
    )
  },
}

const startInOutage: ContractCase = {
  id: 'reconnect/start-during-outage',
  title: 'a start during an outage waits, and what was started sends and receives once the broker is back',
  examines: [],
  kills: ['outage-taken-for-misconfiguration', 'outage-taken-for-absence'],
  faults: ['outage'],
  async run(context) {
    const { arrivalMs, reconnectMs } = context.harness.bounds
    const place = context.api.place()
    // What has to be there is there, so that only looking at it is left to do.
    await (await context.api.broker(place)).close()
    const outage = await context.fault('outage')()
    const broker = context.api.make([place.destination, place.source], { [place.name]: context.api.route() })
    let over = false
    const starting = Promise.allSettled([broker.start().finally(() => (over = true))])
    await context.waiting.until(context.now + 500)
    check(!over, 'it waits')
    await outage.end()
    const [started] = await context.waiting.settled(starting, 'a start during an outage', reconnectMs + longestPauseMs)
    check(started?.status === 'fulfilled', () => `it succeeds once the broker is back; ${show(started)}`)
    const seen = new Set<string>()
    await broker.consume(place.source, (message) => {
      seen.add(message.body)
      context.changes.notify()
    })
    await broker.producer(place.destination).send('after')
    await context.waiting.eventually(() => seen.has('after'), 'a message arrives', arrivalMs)
  },
}

const outageTooLong: ContractCase = {
  id: 'reconnect/deadline-in-outage',
  title: 'a send whose deadline passes in an outage rejects in time, with ERR_TIMEOUT or ERR_UNCONFIRMED as it was handed over or not',
  examines: ['confirms'],
  kills: ['sends-again-in-secret'],
  faults: ['outage'],
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const producer = broker.producer(place.destination)
    const seen = new Set<string>()
    await broker.consume(place.source, (message) => {
      seen.add(message.body)
      context.changes.notify()
    })
    await producer.send('before')
    await context.waiting.eventually(() => seen.has('before'), 'a message arrives before the outage', context.harness.bounds.arrivalMs)
    const outage = await context.fault('outage')()
    const [result] = await context.waiting.settled(
      Promise.allSettled([producer.send('late', { timeoutMs: 1_000 })]),
      'a send with a deadline',
      1_000 + context.harness.bounds.reconnectMs,
    )
    await outage.end()
    check(result?.status === 'rejected', 'it rejects')
    const { code } = result.reason as { readonly code?: unknown }
    check(code === 'ERR_TIMEOUT' || code === 'ERR_UNCONFIRMED', () => `its code is ERR_TIMEOUT or ERR_UNCONFIRMED, not ${show(code)}`)
    await producer.send('after')
    await context.waiting.eventually(
      () => seen.has('after'),
      'producer and consumer work after the outage',
      context.harness.bounds.reconnectMs + context.harness.bounds.arrivalMs,
    )
    if (code === 'ERR_TIMEOUT')
      await context.waiting.never(() => seen.has('late'), 'a send answered ERR_TIMEOUT (never handed over) arrives', context.harness.bounds.quietMs)
  },
}

const whileHandling: ContractCase = {
  id: 'reconnect/redelivery-while-running',
  title: 'a message that comes again while its handler still runs is not handled twice at once, and ends acked',
  examines: ['lease', 'redelivery'],
  kills: ['loss-not-reported'],
  applies: ({ settlement, lease }) => settlement !== false && lease !== false,
  faults: ['cutConnections'],
  waitsMs: holdMs,
  async run(context) {
    await needsIdentity(context)
    // Asked for before the cut, which also ends the connection that it is asked on.
    const silenceMs = context.silenceMs(await context.place())
    const place = context.api.place({ messageId: (body) => body })
    const broker = await context.api.broker(place)
    const handled: Handled[] = []
    let running = 0
    let most = 0
    let release = (): void => {}
    const gate = new Promise<void>((resolve) => (release = resolve))
    await broker.consume(
      place.source,
      context.api.recording(handled, async () => {
        most = Math.max(most, ++running)
        await gate
        running--
      }),
    )
    await broker.producer(place.destination).send('only')
    await context.waiting.eventually(() => handled.length >= 1, 'the handler runs', context.harness.bounds.arrivalMs)
    // Copies of the broker's own making start now; a redelivery of the same message comes after the cut.
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    const copies = handled.length
    await context.fault('cutConnections')()
    await context.waiting.poll(
      () => broker.health(),
      ({ ok }) => ok,
      () => 'the broker is connected again',
      context.harness.bounds.reconnectMs,
      50,
    )
    await context.waiting.until(context.now + 2 * context.harness.bounds.quietMs)
    check(most <= copies, () => `the message is handled by one handler at a time, not ${most}`)
    release()
    const count = handled.length
    await context.waiting.until(context.now + silenceMs)
    check(handled.length <= count + copies, () => `once handled it is acked, by its new receipt if need be; it was started ${handled.length} times`)
  },
}

const health: ContractCase = {
  id: 'reconnect/health',
  title: 'health tells connected, not connected during an outage, and connected again',
  examines: [],
  kills: ['health-always-connected'],
  faults: ['outage'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, ['before'])
    await session.receive(place, { react: () => 'ack' })
    check(session.link.health().state === 'connected', 'a working link is connected')
    const outage = await context.fault('outage')()
    const state = async (): Promise<string> => session.link.health().state
    await context.waiting.poll(
      state,
      (now) => now === 'reconnecting',
      (now) => `in an outage the link is reconnecting, not ${now}`,
      context.harness.bounds.reconnectMs,
      50,
    )
    await outage.end()
    await context.waiting.poll(
      state,
      (now) => now === 'connected',
      (now) => `after the outage the link is connected, not ${now}`,
      context.harness.bounds.reconnectMs,
      50,
    )
  },
}

const nothingLost: ContractCase = {
  id: 'reconnect/nothing-lost',
  title: 'no confirmed message is lost over repeated cuts while sending and receiving',
  examines: ['confirms', 'delivery'],
  kills: ['buffer-lost-at-cut'],
  applies: ({ settlement, confirms }) => settlement !== false && confirms,
  faults: ['cutConnections'],
  waitsMs: holdMs,
  async run(context) {
    const againMs = context.againMs(await context.place())
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const seen = new Set<string>()
    await broker.consume(place.source, (message) => {
      seen.add(message.body)
      context.changes.notify()
    })
    const producer = broker.producer(place.destination)
    const stored: string[] = []
    for (let round = 0; round < 3; round++) {
      const bodies = numbered(`round-${round}`, 20)
      const sends = Promise.allSettled(bodies.map((body) => producer.send(body)))
      await context.fault('cutConnections')()
      const results = await context.waiting.settled(sends, 'sends over a cut', 40_000)
      stored.push(...bodies.filter((_, index) => results[index]?.status === 'fulfilled'))
    }
    check(stored.length > 0, 'some sends succeed over the cuts')
    await context.waiting.eventually(
      () => stored.every((body) => seen.has(body)),
      () => `all confirmed messages arrive; missing ${show(stored.filter((body) => !seen.has(body)))}`,
      context.harness.bounds.reconnectMs + againMs * 2,
    )
  },
}

export const reconnectCases: readonly ContractCase[] = [resubscribes, sendInOutage, startInOutage, outageTooLong, whileHandling, health, nothingLost]

/** Where the broker cannot tell a redelivery from another copy (MQTT), nobody can. */
async function needsIdentity(context: CaseContext): Promise<void> {
  const place = await context.place()
  const session = await context.connect()
  await session.send(place, ['probe'])
  const inbox = await session.receive(place, { react: () => 'ack' })
  await context.waiting.eventually(() => inbox.arrivals.length > 0, 'a message arrives', context.harness.bounds.arrivalMs)
  if (inbox.arrivals.some(({ delivery }) => delivery.sameAs === undefined))
    throw new NotApplicable('the broker does not tell which deliveries are of one message')
}
