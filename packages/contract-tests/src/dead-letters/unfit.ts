import { deadLetter, type ConsumeOptions } from '@busbar/core'
import type { Capabilities } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check } from '../kit/assert.ts'
import type { Handled } from '../kit/broker-kit.ts'
import { ordered } from '../kit/capabilities.ts'
import type { CaseContext } from '../kit/context.ts'
import { mostBytes } from '../kit/limits.ts'
import { quickRetry } from '../retry/quick-retry.ts'
import { kept } from './letters.ts'

/** Room for what the driver's own headers take. */
const spareBytes = 128

const needs: Pick<ContractCase, 'examines' | 'kills' | 'looksAtDeadLetters' | 'waitsMs'> = {
  examines: ['deadLetter', 'deliveryAttempt', 'maxMessageBytes'],
  kills: ['second-hop-swallowed'],
  looksAtDeadLetters: true,
  waitsMs: ({ deadLetter: way }) => (way === 'native' ? 0 : 30_000),
}

const unfit: ContractCase = {
  ...needs,
  id: 'dead-letters/unfit',
  title:
    'a message so large that its copy does not fit gets to the dead letters by the native way or limit, is not handled again meanwhile, and holds up nothing',
  applies: reachesItsPlace,
  run: (context) => giveUpLarge(context, { concurrency: 1, maxInFlight: 1 }),
}

const unfitOfAKey: ContractCase = {
  ...needs,
  id: 'dead-letters/unfit-of-a-key',
  title: 'what is behind a message whose copy does not fit is handled: it is not given back, and counted as delivered, as often as that one comes',
  keyed: true,
  applies: (capabilities) => ordered(capabilities) && reachesItsPlace(capabilities),
  run: (context) => giveUpLarge(context, { concurrency: 4, maxInFlight: 8 }),
}

export const unfitCases: readonly ContractCase[] = [unfit, unfitOfAKey]

function reachesItsPlace(capabilities: Capabilities): boolean {
  return kept(capabilities) && (capabilities.deadLetter === 'native' || capabilities.deliveryAttempt !== 'none')
}

/** Two messages that may have one key; both wait before the first is received. */
async function giveUpLarge(context: CaseContext, flow: Pick<ConsumeOptions, 'concurrency' | 'maxInFlight'>): Promise<void> {
  const place = context.api.place()
  // The fewest deliveries before the native limit takes it.
  const broker = await context.api.broker(place, { route: { maxAttempts: 1 } })
  const { maxMessageBytes } = (await context.place()).capabilities
  const large = `a:${'x'.repeat(Math.min(maxMessageBytes, mostBytes(context.harness)) - spareBytes)}`
  const small = 'a:small'
  await broker.producer(place.destination).send(large)
  await broker.producer(place.destination).send(small)
  const handled: string[] = []
  await broker.consume(
    place.source,
    ({ body }) => {
      handled.push(body)
      context.changes.notify()
      return body === large ? deadLetter('too much') : undefined
    },
    { use: [quickRetry(1)], ...flow },
  )
  const found: Handled[] = []
  await broker.consume(broker.deadLetters(place.source).queue, context.api.recording(found))
  await context.waiting.eventually(
    () => handled.includes(small) && found.some(({ text }) => text === large),
    () => `the large one is a dead letter, and the small one handled; handled ${handled.length}, dead ${found.length}`,
    60_000 + context.harness.bounds.arrivalMs,
  )
  // Once more is what at least once allows; the native limit takes ten deliveries.
  const starts = handled.filter((body) => body === large).length
  check(starts <= 2, `what was given up is not handled again until the native limit takes it; handled ${starts} times`)
  check(
    found.every(({ text }) => text === large),
    'nothing else is a dead letter',
  )
}
