import { deadLetter, type Broker } from '@busbar/core'
import type { ContractCase } from '../case.ts'
import { check, checkEqual, checkSameMembers, show } from '../kit/assert.ts'
import type { Handled, TextPlace } from '../kit/broker-kit.ts'
import type { CaseContext } from '../kit/context.ts'
import { numbered } from '../kit/messages.ts'
import { kept, letters, open, received, textOfLetter } from './letters.ts'

/** More than core asks a driver for at once. */
const count = 120
const pageSize = 25

const pages: ContractCase = {
  id: 'dead-letters/pages',
  title: 'page by page all dead letters are shown, each once where a peek is exact and at least once where it disturbs, and all stay',
  examines: ['peek'],
  kills: ['browse-cursor-lost', 'browse-pages-overlap', 'looked-at-lost'],
  looksAtDeadLetters: true,
  applies: received,
  async run(context) {
    const { place, broker } = await open(context)
    const exact = (await context.place()).capabilities.peek === 'exact'
    const bodies = numbered('m', count)
    await broker.consume(place.source, () => deadLetter('no'))
    await broker.producer(place.destination).sendBatch(bodies)
    await letters(context, broker, place, count)
    let most = 0
    for (let look = 1; look <= 2; look++) {
      const shown = await allPages(context, broker, place)
      checkSameMembers(shown, bodies, `look ${look}`)
      most = Math.max(most, shown.length)
    }
    const { discarded } = await context.waiting.settled(broker.deadLetters(place.source).discard(), 'the discard', 60_000)
    check(discarded >= count, () => `all are still there to be discarded; ${discarded} of ${count} were`)
    // A broker may store copies of its own, and then has more to discard.
    if (exact) check(most <= discarded, () => `an exact peek shows each once: it showed ${most}, and there were ${discarded}`)
  },
}

const redriveTo: ContractCase = {
  id: 'dead-letters/redrive-to',
  title: 'dead letters redriven elsewhere are handled there with their identity and attempt 1, not at their source, and leave the dead letters',
  examines: ['deadLetter'],
  kills: ['copy-goes-home', 'id-replaced', 'ack-no-op'],
  looksAtDeadLetters: true,
  applies: kept,
  async run(context) {
    const [place, other] = [context.api.place(), context.api.place()]
    const broker = context.api.make([place.destination, place.source, other.destination, other.source], {
      [place.name]: context.api.route(),
      [other.name]: context.api.route(),
    })
    const handled: Handled[] = []
    const elsewhere: Handled[] = []
    await broker.consume(
      place.source,
      context.api.recording(handled, () => deadLetter('to be repaired')),
    )
    await broker.consume(other.source, context.api.recording(elsewhere))
    const bodies = numbered('m', 8)
    for (const body of bodies) await broker.producer(place.destination).send(body, { id: `id-${body}` })
    const given = new Set<string>()
    await context.waiting.eventually(
      () => {
        for (const { text } of handled) given.add(text)
        return given.size === bodies.length
      },
      'all are given up',
      context.harness.bounds.arrivalMs,
    )
    const redrive = (): Promise<{ readonly moved: number }> => broker.deadLetters(place.source).redrive({ to: other.destination })
    await context.waiting.poll(
      redrive,
      () => bodies.every((body) => elsewhere.some(({ text }) => text === body)),
      () => `all are handled elsewhere; only ${show([...new Set(elsewhere.map(({ text }) => text))])} are`,
      60_000,
      100,
    )
    for (const { text, message } of elsewhere) checkEqual([message.id, message.attempt], [`id-${text}`, 1], `id and attempt of ${text}`)
    await context.waiting.poll(
      redrive,
      ({ moved }) => moved === 0,
      ({ moved }) => `what was redriven has left the dead letters; ${moved} are there`,
      30_000 + context.silenceMs(await context.place()),
      100,
    )
    const strays = handled.filter(({ message }) => message.attempt > 1)
    checkEqual(
      strays.map(({ text }) => text),
      [],
      'second attempts at the source',
    )
    const before = handled.length
    await context.waiting.never(() => handled.length > before, 'redriven messages come to their source', context.harness.bounds.quietMs)
  },
}

export const deadLetterPageCases: readonly ContractCase[] = [pages, redriveTo]

async function allPages(context: CaseContext, broker: Broker, place: TextPlace): Promise<string[]> {
  const shown: string[] = []
  const look = async (): Promise<void> => {
    let ended = false
    for await (const page of broker.deadLetters(place.source).pages({ pageSize })) {
      check(!ended && page.length > 0 && page.length <= pageSize, () => `every page but the last is full: one has ${page.length} of ${pageSize}`)
      ended = page.length < pageSize
      shown.push(...page.map(textOfLetter))
    }
  }
  await context.waiting.settled(look(), 'looking at all pages', 60_000)
  return shown
}
