import { deadLetter, type Broker } from '@busbar/core'
import type { ContractCase } from '../case.ts'
import { check, checkEqual, checkSameMembers, show } from '../kit/assert.ts'
import type { Handled, TextPlace } from '../kit/broker-kit.ts'
import type { CaseContext } from '../kit/context.ts'
import { numbered } from '../kit/messages.ts'
import { expectRefusal } from '../kit/refusal.ts'
import { letters, received, redriven, textOfLetter } from './letters.ts'

const moved: ContractCase = {
  id: 'dead-letters/moved-natively',
  title: 'dead letters that the broker itself moves are handled at their target with their identity and attempt 1, as no dead letters, and leave their place',
  examines: ['redrive'],
  kills: ['move-copies', 'move-no-op', 'move-keeps-dead-header', 'move-renames', 'overclaims-redrive-native'],
  kinds: ['queue'],
  looksAtDeadLetters: true,
  applies: (capabilities) => received(capabilities) && capabilities.redrive === 'native',
  async run(context) {
    const { broker, place, other } = await open(context)
    const bodies = numbered('m', 14)
    await bury(context, broker, place, bodies)
    const progress: number[] = []
    const onProgress = ({ moved: count }: { readonly moved: number }): void => void progress.push(count)
    const result = await context.waiting.settled(
      broker.deadLetters(place.source).redrive({ native: true, to: other.destination, onProgress }),
      'the move',
      60_000,
    )
    check(result.moved >= bodies.length && result.skipped === 0, () => `${bodies.length} are moved and none is skipped: ${show(result)}`)
    checkEqual(progress.at(-1), result.moved, 'the last that is told of progress')
    const handled: Handled[] = []
    await broker.consume(
      other.source,
      context.api.recording(handled, () => deadLetter('of no use there')),
    )
    await context.waiting.eventually(
      () => bodies.every((body) => handled.some(({ text }) => text === body)),
      () => `all are handled at the target; only ${show(handled.map(({ text }) => text))} are`,
      context.againMs(await context.place()),
    )
    for (const { text, message } of handled) checkEqual([message.id, message.attempt, Object.keys(message.headers)], [`id-${text}`, 1, ['tenant']], text)
    checkEqual((await broker.deadLetters(place.source).peek({ max: 100 })).map(textOfLetter), [], 'what is left')
    const again = await letters(context, broker, other, bodies.length)
    checkSameMembers(again.map(textOfLetter), bodies, 'dead letters of the target')
    checkEqual([...new Set(again.map(({ info }) => `${info?.reason}, ${info?.source}`))], [`of no use there, ${other.name}`], 'reason and source')
  },
}

const stopped: ContractCase = {
  id: 'dead-letters/move-stopped',
  title: 'a move by the broker keeps to its rate and stops when it is told to: what was not moved by then stays, and nothing is lost',
  examines: ['redrive'],
  kills: ['move-unstoppable', 'move-at-any-rate'],
  kinds: ['queue'],
  looksAtDeadLetters: true,
  applies: (capabilities) => received(capabilities) && capabilities.redrive === 'native',
  async run(context) {
    const { broker, place, other } = await open(context)
    const bodies = numbered('m', 12)
    await bury(context, broker, place, bodies)
    const stop = new AbortController()
    let told = 0
    const onProgress = ({ moved: count }: { readonly moved: number }): void => {
      told = count
      if (count > 0) stop.abort(new DOMException('enough', 'AbortError'))
    }
    const move = broker.deadLetters(place.source).redrive({ native: true, to: other.destination, ratePerSecond: 1, onProgress, signal: stop.signal })
    const failure: unknown = await context.waiting.settled(
      move.then(
        () => undefined,
        (error: unknown) => error,
      ),
      'the move',
      30_000,
    )
    check(failure === stop.signal.reason, () => `a move that is stopped rejects with the reason: ${String(failure)}`)
    check(told > 0 && told < bodies.length, () => `at one in a second a part is moved when it is stopped, not ${told}`)
    const handled: Handled[] = []
    await broker.consume(other.source, context.api.recording(handled))
    await context.waiting.until(context.now + context.silenceMs(await context.place()))
    const elsewhere = handled.map(({ text }) => text)
    await context.waiting.poll(
      async () => (await broker.deadLetters(place.source).peek({ max: 100 })).map(textOfLetter),
      (left) => bodies.every((body) => left.includes(body) || elsewhere.includes(body)),
      (left) => `each is where it was, or at the target: ${show({ left, elsewhere })}`,
      30_000,
      200,
    )
  },
}

const refused: ContractCase = {
  id: 'dead-letters/move-refused',
  title: 'where the broker moves nothing by itself, a redrive that asks for it is refused, and leaves the dead letters where they are',
  examines: ['redrive'],
  kills: [],
  kinds: ['queue'],
  looksAtDeadLetters: true,
  applies: (capabilities) => received(capabilities) && redriven(capabilities) && capabilities.redrive !== 'native',
  async run(context) {
    const { broker, place, other } = await open(context)
    await bury(context, broker, place, ['m-1'])
    await expectRefusal(() => broker.deadLetters(place.source).redrive({ native: true, to: other.destination }), place.name)
    checkEqual((await letters(context, broker, place, 1)).map(textOfLetter), ['m-1'], 'dead letters')
  },
}

export const moveCases: readonly ContractCase[] = [moved, stopped, refused]

interface Site {
  readonly broker: Broker
  readonly place: TextPlace
  readonly other: TextPlace
}

async function open(context: CaseContext): Promise<Site> {
  const [place, other] = [context.api.place(), context.api.place()]
  const routes = { [place.name]: context.api.route(), [other.name]: context.api.route() }
  const broker = context.api.make([place.destination, place.source, other.destination, other.source], routes)
  await broker.start()
  return { broker, place, other }
}

/** Makes dead letters of them, and no consumer is left. */
async function bury(context: CaseContext, broker: Broker, place: TextPlace, bodies: readonly string[]): Promise<void> {
  const consumer = await broker.consume(place.source, () => deadLetter('broken'))
  for (const body of bodies) await broker.producer(place.destination).send(body, { id: `id-${body}`, headers: { tenant: 'acme' } })
  await letters(context, broker, place, bodies.length)
  await consumer.drain()
}
