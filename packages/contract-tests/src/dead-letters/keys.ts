import { deadLetter, type Route } from '@busbar/core'
import type { Capabilities, Endpoint } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, checkEqual, checkOrder, checkSameMembers, show } from '../kit/assert.ts'
import { keyOf, type Handled, type TextPlace } from '../kit/broker-kit.ts'
import { ordered } from '../kit/capabilities.ts'
import type { CaseContext } from '../kit/context.ts'
import { quickRetry } from '../retry/quick-retry.ts'
import { received, redriven, textOfLetter } from './letters.ts'

/** More than a broker that hands a key out piece by piece gives in one piece. */
const count = 23

const ofAKey: ContractCase = {
  id: 'dead-letters/of-a-key',
  title:
    'the dead letters of a key keep it and are all redriven, in order if their place keeps one; then the key waits for each of them as for any other message',
  examines: ['ordering', 'deadLetter', 'redrive'],
  kills: ['second-hop-drops-key', 'redriven-key-lost', 'dead-letters-reversed'],
  keyed: true,
  looksAtDeadLetters: true,
  applies: (capabilities) => ordered(capabilities) && received(capabilities) && redriven(capabilities),
  async run(context) {
    const place = context.api.place()
    const route = defaultPlace(context)
    const broker = await context.api.broker(place, { route })
    const ofA = Array.from({ length: count }, (_, index) => `a:${index + 1}`)
    const bodies = [...ofA, 'b:1', 'b:2']
    const givenUp: Handled[] = []
    const failing = await broker.consume(
      place.source,
      context.api.recording(givenUp, () => deadLetter('broken')),
    )
    await broker.producer(place.destination).sendBatch(bodies)
    const seen = (): Set<string> => new Set(givenUp.map(({ text }) => text))
    await context.waiting.eventually(
      () => seen().size === bodies.length,
      () => `all are given up; ${seen().size} of ${bodies.length} were`,
      30_000 + context.harness.bounds.arrivalMs,
    )
    // Copies that the broker may have stored are given up too.
    await context.waiting.until(context.now + context.silenceMs(await context.place()))
    await failing.drain()
    for (const letter of await broker.deadLetters(place.source).peek({ max: 4 })) checkEqual(letter.orderingKey, keyOf(textOfLetter(letter)), 'key')
    const { moved } = await context.waiting.settled(broker.deadLetters(place.source).redrive(), 'the redrive', 60_000)
    check(moved >= bodies.length, () => `all ${bodies.length} are moved, not ${moved}`)
    await broker.producer(place.destination).send('a:last')
    const again: Handled[] = []
    const done: string[] = []
    const work = context.api.recording(again, ({ body, attempt }) => {
      if (again.filter(({ text }) => keyOf(text) === 'a').length === 1 && keyOf(body) === 'a' && attempt === 1) throw new Error('the first of its key')
      done.push(body)
    })
    await broker.consume(place.source, work, { use: [quickRetry(2)] })
    await context.waiting.eventually(
      () => done.includes('a:last') && bodies.every((body) => done.includes(body)),
      () => `all are handled again; only ${show(done)} are`,
      30_000 + context.againMs(await context.place()),
    )
    for (const { text, message } of again) checkEqual(message.orderingKey, keyOf(text), `key of ${text} when it is handled again`)
    const doneOfA = done.filter((body) => keyOf(body) === 'a')
    const first = again.find(({ text }) => keyOf(text) === 'a')
    checkEqual(doneOfA[0], first?.text, 'the first of its key, which failed at first, keeps back the others')
    if (placeCapabilities(context, place, route).ordering !== 'none') checkOrder(doneOfA, [...ofA, 'a:last'], 'order of the key')
    else {
      checkSameMembers(doneOfA, [...ofA, 'a:last'], 'messages of the key')
      checkEqual([...new Set(doneOfA)].at(-1), 'a:last', 'the last of the key')
    }
  },
}

export const deadLetterKeyCases: readonly ContractCase[] = [ofAKey]

/** The place that core chooses, where the driver has queues. */
function defaultPlace(context: CaseContext): Route {
  const { deadLetter: place, ...route } = context.api.route()
  return { ...route, deadLetter: context.hasQueues || place === undefined ? {} : place }
}

function placeCapabilities(context: CaseContext, { name }: TextPlace, { deadLetter: place }: Route): Capabilities {
  const { driver = context.harness.createDriver(), destination = `${name}.dead` } = typeof place === 'object' ? place : {}
  const source = context.endpoint(name)
  const endpoint: Endpoint = { destination, kind: 'queue', name: destination, keyed: false, maxAttempts: 0, options: {}, deadLettersOf: source }
  const declared = driver.capabilities(endpoint)
  check(!('refused' in declared), () => `the place of dead letters is not refused: ${show(declared)}`)
  return declared
}
