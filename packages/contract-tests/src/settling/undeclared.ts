import type { Capabilities, SettleResult } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Reaction } from '../kit/inbox.ts'
import { checkExamined, most } from '../kit/limits.ts'
import { holdMs } from '../kit/capabilities.ts'
import { numbered } from '../kit/messages.ts'
import { fallsSilent } from './ack.ts'

const retryMs = 1_000

const shared: Pick<ContractCase, 'examines' | 'applies' | 'waitsMs' | 'run'> = {
  examines: ['redelivery', 'deadLetter'],
  applies: (capabilities) => undeclared(capabilities).length > 0,
  waitsMs: holdMs,
  run: triesUndeclared,
}

const undeclaredOutcomes: ContractCase = {
  ...shared,
  id: 'settling/undeclared-outcomes',
  title: 'giving back and discarding in a way that is not declared is refused with ERR_UNSUPPORTED or does no harm: the message comes again',
  kills: ['undeclared-retry-acks', 'undeclared-discard-drops'],
}

const undeclaredOutcomesOfKeys: ContractCase = {
  ...shared,
  id: 'settling/undeclared-outcomes-of-keys',
  title: 'the same holds where messages have ordering keys',
  kills: ['undeclared-retry-acks'],
  keyed: true,
}

const fullSettle: ContractCase = {
  id: 'settling/full-batch',
  title: 'one call of settle takes as many outcomes as declared',
  examines: ['settlement'],
  kills: ['overclaims-settlement-batch'],
  applies: ({ settlement }) => settlement !== false,
  waitsMs: holdMs,
  async run(context) {
    const place = await context.place()
    const { settlement } = place.capabilities
    check(settlement !== false, 'the endpoint can be settled')
    const session = await context.connect()
    const bodies = numbered('m', Math.min(settlement.maxBatch, most.outcomes))
    await session.send(place, bodies)
    // Room for the copies of a broker that makes some.
    const inbox = await session.receive(place, { window: { messages: 2 * bodies.length + 10, bytes: 67_108_864 } })
    const seen = (): number => new Set(inbox.texts()).size
    await context.waiting.eventually(
      () => seen() === bodies.length,
      () => `${bodies.length} messages are out at once; ${seen()} are`,
      context.harness.bounds.arrivalMs * 2,
    )
    const answers = await inbox.settle(
      inbox
        .unsettled()
        .slice(0, settlement.maxBatch)
        .map((delivery) => ({ delivery, action: 'ack' })),
    )
    check(
      answers.every((answer) => answer === 'durable' || answer === 'accepted'),
      () => `all outcomes of one call are taken; got ${show(answers.filter((answer) => answer !== 'durable' && answer !== 'accepted'))}`,
    )
    await fallsSilent(context, session, inbox)
    checkExamined(settlement.maxBatch, bodies.length, 'settlement.maxBatch')
  },
}

export const undeclaredCases: readonly ContractCase[] = [undeclaredOutcomes, undeclaredOutcomesOfKeys, fullSettle]

interface Undeclared {
  readonly body: string
  readonly reaction: Exclude<Reaction, 'keep'>
}

function undeclared({ settlement, redelivery, deadLetter }: Capabilities): Undeclared[] {
  if (settlement === false) return []
  const all: readonly (Undeclared & { readonly declared: boolean })[] = [
    { body: 'at once', reaction: { retryMs: 0 }, declared: redelivery.immediate },
    { body: 'later', reaction: { retryMs }, declared: redelivery.delayed !== false },
    { body: 'discarded', reaction: 'discard', declared: deadLetter === 'native' },
  ]
  return all.filter(({ declared }) => !declared)
}

async function triesUndeclared(context: CaseContext): Promise<void> {
  const place = await context.place()
  const tried = undeclared(place.capabilities)
  const bodies = tried.map(({ body }) => body)
  const session = await context.connect()
  for (const body of bodies) await session.send(place, [{ body, ...(context.keyed ? { key: body } : {}) }])
  const inbox = await session.receive(place)
  await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.harness.bounds.arrivalMs)
  const before = inbox.arrivals.length
  for (const { body, reaction } of tried) {
    const answers = await inbox.settleAll(reaction, [body])
    check(answers.every(isTakenOrUnsupported), () => `${show(reaction)} is taken, or refused with ERR_UNSUPPORTED; got ${show(answers)}`)
  }
  const next = await context.takeOver(session, inbox)
  const again = (): string[] => [...inbox.arrivals.slice(before).map(({ text }) => text), ...next.inbox.texts()]
  await context.waiting.eventually(
    () => bodies.every((body) => again().includes(body)),
    () => `all come again, whatever became of the outcome; only ${show(again())} did`,
    context.againMs(place) + retryMs,
  )
}

function isTakenOrUnsupported(answer: SettleResult): boolean {
  return answer === 'durable' || answer === 'accepted' || (typeof answer === 'object' && answer.error.code === 'ERR_UNSUPPORTED' && !answer.error.retryable)
}
