import { deadLetter, type Broker } from '@busbar/core'
import type { ContractCase } from '../case.ts'
import { check, checkSameMembers } from '../kit/assert.ts'
import type { Handled, TextPlace } from '../kit/broker-kit.ts'
import { holdMs } from '../kit/capabilities.ts'
import type { CaseContext } from '../kit/context.ts'
import { numbered } from '../kit/messages.ts'
import { letters, open, received, redriven } from './letters.ts'

/** More than one call of `extend` takes on some brokers. */
const few = 12
/** More than core asks a driver for at once. */
const many = 150
const perSecond = 100
/** Core moves together what it moves in a tenth of a second. Twice may be moved those whose acks are on their way, and those that are being sent. */
const mostTwice = (2 * perSecond) / 10

const slowRedrive: ContractCase = {
  id: 'dead-letters/redrive-slowly',
  title: 'a redrive with a rate so low that it takes longer than leases last comes to its end, and moves dead letters no more often than they are there',
  examines: ['redrive', 'lease'],
  kills: ['extend-no-op'],
  looksAtDeadLetters: true,
  applies: (capabilities) => redriven(capabilities) && received(capabilities) && holdMs(capabilities) > 0,
  waitsMs: (capabilities) => 3 * holdMs(capabilities),
  async run(context) {
    const { place, broker, found, again } = await given(context, few)
    const { capabilities } = await context.place()
    const pauseMs = (2.5 * holdMs(capabilities)) / few
    const moving = broker.deadLetters(place.source).redrive({ ratePerSecond: 1_000 / pauseMs })
    const { moved } = await context.waiting.settled(moving, 'the redrive', 2 * found * pauseMs + 60_000)
    check(moved >= few && moved <= found, () => `each is moved once; there were ${found}, and ${moved} were moved`)
    await allHandled(context, again, few)
  },
}

const redriveThroughLoss: ContractCase = {
  id: 'dead-letters/redrive-through-loss',
  title: 'a redrive that loses its connection sends again no more than what it was about to ack, and gets everything',
  examines: ['redrive'],
  kills: ['loss-not-reported'],
  faults: ['cutConnections'],
  looksAtDeadLetters: true,
  applies: (capabilities) => redriven(capabilities) && received(capabilities) && capabilities.lease !== false && capabilities.lease.kind === 'scope',
  async run(context) {
    const { place, broker, again } = await given(context, many)
    let cut: Promise<void> | undefined
    const onProgress = ({ moved }: { readonly moved: number }): void => {
      if (moved >= 20) cut ??= context.fault('cutConnections')()
    }
    const moving = broker.deadLetters(place.source).redrive({ ratePerSecond: perSecond, onProgress })
    const { moved } = await context.waiting.settled(moving, 'the redrive', 60_000)
    await cut
    check(moved >= many && moved <= many + mostTwice, () => `${many} are there, and ${mostTwice} may be moved twice; ${moved} were moved`)
    await allHandled(context, again, many)
  },
}

export const slowCases: readonly ContractCase[] = [slowRedrive, redriveThroughLoss]

interface Given {
  readonly place: TextPlace
  readonly broker: Broker
  /** Dead letters, copies among them. */
  readonly found: number
  /** What is handled after the mending. */
  readonly again: () => Handled[]
}

/** A broker with `count` dead letters, whose consumer has been mended. */
async function given(context: CaseContext, count: number): Promise<Given> {
  const { place, broker } = await open(context)
  let broken = true
  const handled: Handled[] = []
  await broker.consume(
    place.source,
    context.api.recording(handled, () => (broken ? deadLetter('broken') : undefined)),
  )
  await broker.producer(place.destination).sendBatch(numbered('m', count))
  const found = await letters(context, broker, place, count)
  broken = false
  const before = handled.length
  return { place, broker, found: found.length, again: () => handled.slice(before) }
}

async function allHandled(context: CaseContext, again: () => readonly Handled[], count: number): Promise<void> {
  const texts = (): string[] => [...new Set(again().map(({ text }) => text))]
  await context.waiting.eventually(
    () => texts().length === count,
    () => `all are handled; ${texts().length} of ${count} were`,
    context.againMs(await context.place()),
  )
  checkSameMembers(texts(), numbered('m', count), 'what is handled')
}
