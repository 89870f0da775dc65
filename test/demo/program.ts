import type { Broker } from '@busbar/core'
import type { FencedStore } from '@busbar/core/driver'
import type { Activity } from './activity.ts'
import { discardRest, repairDeadLetters } from './dead-letters.ts'
import { complaints, deliveryOrders, dispatch, positions } from './destinations.ts'
import type { Extras } from './extras.ts'
import type { Ledger } from './ledger.ts'
import { askForRoutes, sendWorkload } from './senders.ts'
import { startWorkers } from './workers.ts'
import { depots, newDepot, type Workload } from './workload.ts'

export interface ProgramOptions {
  readonly broker: Broker
  /** What the old terminals send through. */
  readonly legacy: Broker
  readonly workload: Workload
  readonly ledger: Ledger
  readonly store: FencedStore
  readonly extras: Extras
  readonly activity: Activity
  /** Goes on while messages are sent. */
  readonly meanwhile: () => Promise<void>
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

export interface ProgramReport {
  readonly asked: number
  readonly answered: number
  /** `source id` of the dead letters that were there in the end. */
  readonly deadLetters: readonly string[]
  /** Middleware that had nothing to do, though something was planned for them. */
  readonly idle: readonly string[]
}

const asked = 20
const sources = [positions, deliveryOrders, dispatch, complaints]

/** The whole program: workers, senders, and an operator who repairs dead letters. It does not know what kind of broker it runs on. */
export async function runProgram(options: ProgramOptions): Promise<ProgramReport> {
  const { broker, workload, ledger, store, extras, activity, say, signal } = options
  const knownDepots = new Set(depots)
  await startWorkers({ broker, ledger, store, extras, depots: knownDepots, onFailure: () => void activity.failures++ })
  const [answered] = await Promise.all([askForRoutes(asked, options), sendWorkload(workload, options), options.meanwhile()])
  await activity.quiet(broker, sources, ledger, signal)

  say(`${activity.givenUp.size} messages were given up; the operator adds the depot ${newDepot}, mends what is malformed and sends it back`)
  activity.givenUp.clear()
  knownDepots.add(newDepot)
  const { redriven, mended } = await repairDeadLetters(broker, ledger, extras)
  await activity.quiet(broker, sources, ledger, signal)
  const deadLetters = await discardRest(broker)
  say(`${redriven} redriven, ${mended} mended and sent again, ${deadLetters.length} beyond repair and discarded`)
  return { asked, answered, deadLetters, idle: extras.idle() }
}
