import type { Delivery } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, checkOrder, show } from '../kit/assert.ts'
import { holdMs } from '../kit/capabilities.ts'
import { keyOf } from '../kit/broker-kit.ts'
import type { Inbox } from '../kit/inbox.ts'
import { textOf } from '../kit/messages.ts'
import { interleaved } from './keys.ts'

const oneHolder: ContractCase = {
  id: 'ordering/one-holder',
  title:
    'of two receivers never both hold messages of one key (or, where the whole destination is ordered, any); when one hands back, the other gets all in order',
  examines: ['ordering', 'keyHold', 'competingConsumers'],
  kills: ['overclaims-ordering-key', 'overclaims-ordering-destination', 'hold-ignored'],
  keyed: true,
  applies: ({ ordering, settlement, competingConsumers }) => ordering !== 'none' && settlement !== false && competingConsumers,
  waitsMs: holdMs,
  async run(context) {
    const place = await context.place()
    const [one, two] = [await context.connect(), await context.connect()]
    const [early, late] = [interleaved(['a', 'b', 'c', 'd'], 4), interleaved(['e', 'f', 'g', 'h'], 4)]
    const more = early.map(({ key }, index) => ({ body: `${key}:${5 + Math.floor(index / 4)}`, key }))
    const messages = [...early, ...late, ...more]
    const first = await one.receive(place)
    await one.send(place, early)
    await context.waiting.eventually(() => first.arrivals.length > 0, 'messages arrive', context.harness.bounds.arrivalMs)
    const shared: string[] = []
    const second = await two.receive(place, { react: () => 'keep' })
    watch(first, second, shared)
    watch(second, first, shared)
    await two.send(place, [...late, ...more])
    await context.waiting.never(
      () => shared.length > 0,
      () => `two receivers hold messages of one key at once: ${show(shared)}`,
      context.harness.bounds.quietMs,
    )
    second.react = () => 'ack'
    await second.settleAll('ack')
    await one.handBack(first)
    const bodies = messages.map(({ body }) => body)
    await context.waiting.eventually(
      () => second.has(bodies),
      () => `the other receiver gets all; missing ${show(bodies.filter((body) => !second.has([body])))}`,
      context.againMs(place) * 2,
    )
    const whole = place.capabilities.ordering === 'destination'
    for (const key of whole ? ['all'] : new Set(messages.map((message) => message.key))) {
      const ofKey = (body: string): boolean => whole || keyOf(body) === key
      checkOrder(second.texts().filter(ofKey), bodies.filter(ofKey), `order of key ${key} at the second receiver`)
    }
    check(shared.length === 0, () => `two receivers held messages of one key at once: ${show(shared)}`)
  },
}

const outlasted: ContractCase = {
  id: 'ordering/outlasted-hand-over',
  title: 'what outlasts the deadline of a hand-over is told lost before another receiver gets it',
  examines: ['keyHold', 'competingConsumers'],
  kills: ['outlasted-not-told'],
  keyed: true,
  applies: ({ keyHold, settlement, competingConsumers }) => keyHold === 'process' && settlement !== false && competingConsumers,
  async run(context) {
    const place = await context.place()
    const [one, two] = [await context.connect(), await context.connect()]
    const messages = interleaved(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], 2)
    const first = await one.receive(place)
    await one.send(place, messages)
    await context.waiting.eventually(() => first.has(messages.map(({ body }) => body)), 'messages arrive', context.harness.bounds.arrivalMs)
    const asked = Promise.withResolvers<number>()
    first.outlast = (deadlineMs) => {
      asked.resolve(deadlineMs)
      return context.waiting.until(context.now + deadlineMs)
    }
    const shared: string[] = []
    const second = await two.receive(place, { react: () => 'ack' })
    watch(second, first, shared)
    // Some leave everything with whoever has it.
    const deadlineMs = await Promise.race([asked.promise, context.waiting.until(context.now + context.againMs(place))])
    if (typeof deadlineMs === 'number')
      await context.waiting.eventually(
        () => second.arrivals.length > 0,
        'what the first receiver does not end is given to the other after the deadline',
        deadlineMs + context.againMs(place),
      )
    check(shared.length === 0, () => `the first receiver is not told that it has lost what the other gets: ${show(shared)}`)
  },
}

export const holderCases: readonly ContractCase[] = [oneHolder, outlasted]

/** Notes when `inbox` is given something that `other` holds messages of the same key of. What was lost, or was asked back, is held no longer. */
function watch(inbox: Inbox, other: Inbox, shared: string[]): void {
  const { react } = inbox
  const { ordering } = inbox.place.capabilities
  const ofSameKey = (held: Delivery, text: string): boolean => ordering === 'destination' || keyOf(textOf(held.incoming)) === keyOf(text)
  inbox.react = (arrival) => {
    const held = other.held().find((delivery) => ofSameKey(delivery, arrival.text))
    if (held !== undefined) shared.push(`${arrival.text} beside ${textOf(held.incoming)}`)
    return react(arrival)
  }
}
