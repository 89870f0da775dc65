import { deadLetter } from '@busbar/core'
import type { ContractCase } from '../case.ts'
import { check, checkEqual, checkOrder, checkSameMembers, NotApplicable, show } from '../kit/assert.ts'
import type { Handled } from '../kit/broker-kit.ts'
import { numbered } from '../kit/messages.ts'
import { expectRefusal } from '../kit/refusal.ts'
import { kept, letters, open, received, redriven, sorted, textOfLetter } from './letters.ts'

const afterAttempts: ContractCase = {
  id: 'dead-letters/after-attempts',
  title: 'a message whose handler fails at every attempt goes to dead letter after exactly that many starts, and is gone from its source',
  examines: ['deadLetter'],
  kills: ['attempt-starts-at-one'],
  looksAtDeadLetters: true,
  applies: received,
  waitsMs: () => 4_000,
  async run(context) {
    const { place, broker } = await open(context)
    const handled: Handled[] = []
    await broker.consume(
      place.source,
      context.api.recording(handled, () => {
        throw new Error('always')
      }),
    )
    await broker.producer(place.destination).send('bad')
    await letters(context, broker, place, 1)
    await context.waiting.until(context.now + context.silenceMs(await context.place()))
    checkEqual([...new Set(handled.map(({ message }) => message.attempt))], [1, 2, 3], 'starts by the default policy')
  },
}

const copyIsWhole: ContractCase = {
  id: 'dead-letters/copy-is-whole',
  title: 'a dead letter has the body and headers of its message byte for byte, its identity, and says why it is there',
  examines: ['deadLetter', 'peek'],
  kills: ['second-hop-drops-headers', 'browse-alters'],
  looksAtDeadLetters: true,
  applies: received,
  async run(context) {
    const { place, broker } = await open(context)
    const headers = { tenant: 'acme', 'X-Mixed': ' kept ' }
    const startedAt = context.harness.clock.now()
    await broker.consume(place.source, () => deadLetter('not wanted'))
    await broker.producer(place.destination).send('bad: ü🚌', { id: 'order-17', headers })
    const [letter] = await letters(context, broker, place, 1)
    check(letter !== undefined, 'there is a dead letter')
    checkEqual([textOfLetter(letter), sorted(letter.headers), letter.id], ['bad: ü🚌', sorted(headers), 'order-17'], 'body, headers and id')
    check(letter.info !== undefined, 'it has its reason')
    checkEqual([letter.info.reason, letter.info.attempts], ['not wanted', 1], 'reason and attempts')
    check(letter.info.firstFailureAt >= startedAt && letter.info.lastFailureAt >= letter.info.firstFailureAt, 'its times of failure are times of this case')
    check(letter.info.source.includes(place.name), () => `its source is ${place.name}: ${show(letter.info?.source)}`)
  },
}

const peekExact: ContractCase = {
  id: 'dead-letters/peek-leaves',
  title: 'an exact peek takes nothing, however often it looks, in the order of the queue',
  examines: ['peek'],
  kills: ['browse-misordered', 'browse-misses-last'],
  looksAtDeadLetters: true,
  applies: (capabilities) => kept(capabilities) && capabilities.peek === 'exact',
  async run(context) {
    const { place, broker } = await open(context)
    await broker.consume(place.source, () => deadLetter('no'), { concurrency: 1 })
    const bodies = numbered('m', 25)
    for (const body of bodies) await broker.producer(place.destination).send(body)
    await letters(context, broker, place, 25)
    for (let time = 0; time < 3; time++) {
      const seen = (await broker.deadLetters(place.source).peek({ max: 100 })).map(textOfLetter)
      checkOrder(seen, bodies, `look ${time + 1}`)
    }
  },
}

const redrive: ContractCase = {
  id: 'dead-letters/redrive',
  title: 'redriven messages are handled again with their identity and attempt 1, and leave the dead letters; those filtered out stay',
  examines: ['redrive'],
  kills: ['id-replaced', 'ack-no-op'],
  looksAtDeadLetters: true,
  applies: (capabilities) => redriven(capabilities) && capabilities.peek !== 'none',
  async run(context) {
    const { place, broker } = await open(context)
    let broken = true
    const handled: Handled[] = []
    await broker.consume(
      place.source,
      context.api.recording(handled, () => (broken ? deadLetter('broken') : undefined)),
    )
    // More than one call of settle takes on some brokers.
    const bodies = numbered('m', 14)
    for (const body of bodies) await broker.producer(place.destination).send(body, { id: `id-${body}` })
    await letters(context, broker, place, 14)
    broken = false
    const before = handled.length
    const wanted = bodies.slice(0, 12)
    const result = await context.waiting.settled(
      broker.deadLetters(place.source).redrive({ where: (letter) => wanted.includes(textOfLetter(letter)) }),
      'the redrive',
      60_000,
    )
    check(result.moved >= 12, () => `12 are moved, not ${result.moved}`)
    const again = (): Handled[] => handled.slice(before)
    await context.waiting.eventually(
      () => wanted.every((body) => again().some(({ text }) => text === body)),
      () => `the redriven messages are handled; only ${show(again().map(({ text }) => text))} were`,
      context.againMs(await context.place()),
    )
    for (const { text, message } of again()) checkEqual([message.id, message.attempt], [`id-${text}`, 1], `id and attempt of ${text}`)
    const left = await letters(context, broker, place, 2)
    checkSameMembers(left.map(textOfLetter), bodies.slice(12), 'dead letters that stay')
  },
}

const redriveToOneSubscription: ContractCase = {
  id: 'dead-letters/redrive-to-one-subscription',
  title: 'what is redriven for one subscription is not delivered to the others of its topic',
  examines: ['redrive', 'subscriptions'],
  kills: ['redrive-to-all-subscriptions'],
  kinds: ['topic', 'stream'],
  looksAtDeadLetters: true,
  applies: (capabilities) => redriven(capabilities) && capabilities.subscriptions !== false && capabilities.peek !== 'none',
  async run(context) {
    const place = context.api.place()
    if (place.destination.kind === 'queue') throw new TypeError('queues have no subscriptions')
    const other = place.destination.subscription('sub-2')
    const broker = context.api.make([place.destination, place.source, other], { [place.name]: context.api.route() })
    const handled: Handled[] = []
    const others: Handled[] = []
    await broker.consume(
      place.source,
      context.api.recording(handled, () => (handled.length === 1 ? deadLetter('the first time') : undefined)),
    )
    await broker.consume(other, context.api.recording(others))
    await broker.producer(place.destination).send('m-1')
    await letters(context, broker, place, 1)
    await context.waiting.eventually(() => others.length > 0, 'the other subscription handles the message', context.harness.bounds.arrivalMs)
    const before = others.length
    await context.waiting.settled(broker.deadLetters(place.source).redrive(), 'the redrive', 60_000)
    await context.waiting.eventually(() => handled.length > 1, 'the redriven message is handled again', context.againMs(await context.place()))
    // At least once: copies of what was sent at first are the broker's right.
    await context.waiting.never(() => others.length > before, 'the redriven message reaches the other subscription', context.silenceMs(await context.place()))
  },
}

const redriveInWindow: ContractCase = {
  id: 'dead-letters/redrive-inside-deduplication-window',
  title: "a message redriven at once is not swallowed by the broker's deduplication",
  examines: ['deduplication', 'redrive'],
  kills: ['deduplication-on-redrive'],
  looksAtDeadLetters: true,
  applies: (capabilities) => redriven(capabilities) && capabilities.deduplication !== false,
  async run(context) {
    const place = context.api.place({ deduplicationId: (body) => `d-${body.length}` })
    const broker = await context.api.broker(place)
    const handled: Handled[] = []
    await broker.consume(
      place.source,
      context.api.recording(handled, (message) => (handled.length === 1 ? deadLetter(`first time ${message.id}`) : undefined)),
    )
    await broker.producer(place.destination).send('once')
    await letters(context, broker, place, 1)
    await context.waiting.settled(broker.deadLetters(place.source).redrive(), 'the redrive', 60_000)
    await context.waiting.eventually(() => handled.length >= 2, 'the redriven message is handled', context.againMs(await context.place()))
  },
}

const discard: ContractCase = {
  id: 'dead-letters/discard',
  title: 'discarding deletes the dead letters chosen and no others',
  examines: ['deadLetter'],
  kills: ['ack-no-op', 'ack-touches-neighbour'],
  looksAtDeadLetters: true,
  applies: received,
  async run(context) {
    const { place, broker } = await open(context)
    await broker.consume(place.source, () => deadLetter('no'))
    const bodies = numbered('m', 5)
    for (const body of bodies) await broker.producer(place.destination).send(body)
    await letters(context, broker, place, 5)
    const result = await context.waiting.settled(
      broker.deadLetters(place.source).discard({ where: (letter) => textOfLetter(letter) !== 'm-3' }),
      'the discard',
      60_000,
    )
    check(result.discarded >= 4, () => `4 are discarded, not ${result.discarded}`)
    checkSameMembers((await letters(context, broker, place, 1)).map(textOfLetter), ['m-3'], 'dead letters that stay')
  },
}

const refusedWithoutPlace: ContractCase = {
  id: 'dead-letters/refused-without-place',
  title: 'where dead letters have no place to go, a source is refused at start unless it says drop or block',
  examines: ['deadLetter'],
  kills: [],
  applies: ({ settlement, deadLetter: place }) => settlement !== false && place === 'none',
  async run(context) {
    if (context.hasQueues) throw new NotApplicable('the driver has queues, and dead letters go there')
    const place = context.api.place()
    await expectRefusal(() => context.api.make([place.destination, place.source], {}).start(), place.name)
  },
}

const redriveRefused: ContractCase = {
  id: 'dead-letters/redrive-refused',
  title: 'where nothing can be sent back to the source alone, redriving is refused',
  examines: ['redrive'],
  kills: [],
  looksAtDeadLetters: true,
  applies: (capabilities) => kept(capabilities) && capabilities.redrive === 'none',
  async run(context) {
    const { place, broker } = await open(context)
    await expectRefusal(() => broker.deadLetters(place.source).redrive(), place.name)
  },
}

export const deadLetterCases: readonly ContractCase[] = [
  afterAttempts,
  copyIsWhole,
  peekExact,
  redrive,
  redriveToOneSubscription,
  redriveInWindow,
  redriveRefused,
  discard,
  refusedWithoutPlace,
]
