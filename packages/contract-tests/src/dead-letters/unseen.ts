import { deadLetter } from '@busbar/core'
import type { ContractCase } from '../case.ts'
import { check, checkEqual, show } from '../kit/assert.ts'
import type { Handled } from '../kit/broker-kit.ts'
import { numbered } from '../kit/messages.ts'
import { open, redriven } from './letters.ts'

const redriveUnseen: ContractCase = {
  id: 'dead-letters/redrive-unseen',
  title: 'where dead letters cannot be looked at, redriven messages are handled again all the same, with their identity and attempt 1, and none is left',
  examines: ['redrive'],
  kills: ['redrive-swallowed'],
  looksAtDeadLetters: true,
  applies: (capabilities) => redriven(capabilities) && capabilities.peek === 'none',
  async run(context) {
    const { place, broker } = await open(context)
    let broken = true
    const handled: Handled[] = []
    await broker.consume(
      place.source,
      context.api.recording(handled, () => (broken ? deadLetter('broken') : undefined)),
    )
    const bodies = numbered('m', 14)
    for (const body of bodies) await broker.producer(place.destination).send(body, { id: `id-${body}` })
    const all = (found: readonly Handled[]): boolean => bodies.every((body) => found.some(({ text }) => text === body))
    await context.waiting.eventually(() => all(handled), 'all messages are handled', context.harness.bounds.arrivalMs)
    broken = false
    const before = handled.length
    const again = (): Handled[] => handled.slice(before)
    const redrive = (): Promise<{ readonly moved: number }> => context.waiting.settled(broker.deadLetters(place.source).redrive(), 'the redrive', 60_000)
    const patienceMs = 60_000 + context.againMs(await context.place())
    // Nobody sees when the last dead letter is there: one redrive after the other, until all have come.
    const comeAgain = (): string => `the redriven messages are handled; only ${show(again().map(({ text }) => text))} were`
    await context.waiting.poll(redrive, () => all(again()), comeAgain, patienceMs, 200)
    for (const { text, message } of again()) checkEqual([message.id, message.attempt], [`id-${text}`, 1], `id and attempt of ${text}`)
    const isNone = ({ moved }: { readonly moved: number }): boolean => moved === 0
    const last = await context.waiting.poll(redrive, isNone, ({ moved }) => `what was redriven has left the dead letters; ${moved} are there`, patienceMs, 200)
    check(isNone(last), 'no dead letter is left')
  },
}

export const unseenDeadLetterCases: readonly ContractCase[] = [redriveUnseen]
