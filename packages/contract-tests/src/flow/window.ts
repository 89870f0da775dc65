import type { Delivery, Outcome } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check } from '../kit/assert.ts'
import { holdMs } from '../kit/capabilities.ts'
import { numbered } from '../kit/messages.ts'

const messages: ContractCase = {
  id: 'flow/window-messages',
  title: 'no more messages are out unsettled than the window allows, and settling makes room',
  examines: ['settlement'],
  kills: ['window-ignored', 'window-one-too-many', 'window-never-refilled'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 25)
    await session.send(place, bodies)
    const inbox = await session.receive(place, { window: { messages: 4, bytes: 1_000_000 } })
    await context.waiting.eventually(() => inbox.unsettled().length >= 1, 'messages arrive', context.harness.bounds.arrivalMs)
    await context.waiting.never(() => inbox.peak.messages > 4, 'more than four messages are out', context.harness.bounds.quietMs)
    inbox.react = () => 'ack'
    await inbox.settleAll('ack')
    await context.waiting.eventually(
      () => inbox.has(bodies),
      () => `settling makes room for the rest; ${inbox.distinct().length} of 25 arrived`,
      context.againMs(place),
    )
    check(inbox.peak.messages <= 4, () => `at most four are out at once, not ${inbox.peak.messages}`)
  },
}

const bytes: ContractCase = {
  id: 'flow/window-bytes',
  title: 'no more body bytes are out unsettled than the window allows, but for one message',
  examines: ['settlement'],
  kills: ['window-bytes-ignored'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 20).map((body) => body.padEnd(10_000, '.'))
    await session.send(place, bodies)
    const inbox = await session.receive(place, { window: { messages: 100, bytes: 50_000 } })
    await context.waiting.eventually(() => inbox.unsettled().length >= 1, 'messages arrive', context.harness.bounds.arrivalMs)
    await context.waiting.never(
      () => inbox.peak.bytes > 60_000,
      () => `${inbox.peak.bytes} bytes are out where 50,000 are allowed`,
      context.harness.bounds.quietMs,
    )
    inbox.react = () => 'ack'
    await inbox.settleAll('ack')
    await context.waiting.eventually(() => inbox.has(bodies), 'settling makes room for the rest', context.againMs(place))
    check(inbox.peak.bytes <= 60_000, 'the window holds to the end')
  },
}

const larger: ContractCase = {
  id: 'flow/window-and-large-message',
  title: 'a message larger than the whole byte window is delivered all the same',
  examines: ['settlement'],
  kills: ['larger-than-window-stuck'],
  applies: ({ settlement, maxMessageBytes }) => settlement !== false && maxMessageBytes > 30_000,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const large = 'x'.repeat(20_000)
    await session.send(place, ['small', large])
    const inbox = await session.receive(place, { window: { messages: 10, bytes: 1_000 }, react: () => 'ack' })
    await context.waiting.eventually(() => inbox.has(['small', large]), 'both messages arrive', context.againMs(place))
  },
}

const resize: ContractCase = {
  id: 'flow/resize',
  title: 'a resized window takes effect: a larger one at once, a smaller one as messages are settled',
  examines: ['settlement'],
  kills: ['resize-no-op', 'shrink-ignored'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, numbered('m', 20))
    const inbox = await session.receive(place, { window: { messages: 2, bytes: 1_000_000 } })
    await context.waiting.eventually(
      () => inbox.distinct().length >= 2 || inbox.unsettled().length >= 2,
      'the small window fills',
      context.harness.bounds.arrivalMs,
    )
    inbox.resize({ messages: 6, bytes: 1_000_000 })
    await context.waiting.eventually(() => inbox.held().length >= 4, 'the larger window fills', context.harness.bounds.arrivalMs)
    inbox.resize({ messages: 2, bytes: 1_000_000 })
    await inbox.settleAll('ack', inbox.distinct().slice(0, inbox.unsettled().length - 1))
    await context.waiting.never(() => inbox.held().length > 2, 'the smaller window is exceeded', context.harness.bounds.quietMs)
  },
}

const pause: ContractCase = {
  id: 'flow/pause',
  title: 'a paused receiver delivers nothing new and keeps what it has; a resumed one goes on',
  examines: ['settlement'],
  kills: ['pause-no-op', 'resume-no-op', 'pause-gives-up-leases'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const inbox = await session.receive(place)
    await session.send(place, ['before'])
    await context.waiting.eventually(() => inbox.has(['before']), 'a message arrives', context.harness.bounds.arrivalMs)
    await inbox.receiver.pause()
    await inbox.receiver.pause()
    const paused = inbox.arrivals.length
    await session.send(place, ['while paused'])
    await context.waiting.never(() => inbox.arrivals.length > paused, 'a paused receiver delivers', context.harness.bounds.quietMs)
    check(inbox.lostScopes.size === 0, 'pausing loses no scope')
    const [answer] = await inbox.settleAll('ack', ['before'])
    check(answer === 'durable' || answer === 'accepted', () => `what was held before the pause can be settled; got ${JSON.stringify(answer)}`)
    await inbox.receiver.resume()
    await context.waiting.eventually(() => inbox.has(['while paused']), 'a resumed receiver delivers', context.againMs(place))
  },
}

const pauseUnderLoad: ContractCase = {
  id: 'flow/pause-under-load',
  title: 'once a pause is answered nothing more is delivered, in the middle of a backlog too; a resumed receiver works off the rest',
  examines: ['settlement'],
  kills: ['pause-answered-early'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const bodies = numbered('m', 60)
    await session.send(place, bodies)
    const inbox = await session.receive(place, { window: { messages: 6, bytes: 1_000_000 } })
    for (let time = 0; time < 4; time++) {
      await context.waiting.eventually(() => inbox.unsettled().length > 2, 'messages arrive', context.againMs(place))
      // Room is made before the pause, each time a little earlier, so that a request for more may be out; and again during it.
      await inbox.settle(inbox.unsettled().slice(0, 2).map(acked))
      if (time > 0) await context.waiting.until(context.now + 10 * time)
      await context.waiting.answered(inbox.receiver.pause(), 'pause')
      const paused = inbox.arrivals.length
      await inbox.settleAll('ack')
      await context.waiting.never(
        () => inbox.arrivals.length > paused,
        'a receiver delivers after its pause is answered',
        Math.min(context.harness.bounds.quietMs, holdMs(place.capabilities) / 4 || Number.POSITIVE_INFINITY),
      )
      await context.waiting.answered(inbox.receiver.resume(), 'resume')
    }
    inbox.react = () => 'ack'
    await inbox.settleAll('ack')
    await context.waiting.eventually(
      () => inbox.has(bodies),
      () => `all arrive in the end; ${inbox.distinct().length} of ${bodies.length} did`,
      context.againMs(place) * 3,
    )
  },
}

const acked = (delivery: Delivery): Outcome => ({ delivery, action: 'ack' })

export const windowCases: readonly ContractCase[] = [messages, bytes, larger, resize, pause, pauseUnderLoad]
