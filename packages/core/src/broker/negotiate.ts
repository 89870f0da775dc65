import { destinationOf } from '../definitions/parts-of.ts'
import type { Capabilities } from '../driver/index.ts'
import { lazy } from '../lazy.ts'
import type { MismatchKind } from './mismatches.ts'
import type { Plan, Planned } from './plan.ts'

/** One thing that a destination needs and its driver does not have; told in a sentence by `mismatchError`. */
export interface Mismatch {
  readonly planned: Planned
  readonly kind: MismatchKind
  readonly wanted: number | string
  readonly has: number | string
}

/** Takes down what is missing. */
export type Add = (kind: MismatchKind, wanted?: number | string, has?: number | string) => void

/** Compares what every destination requires with what its endpoint can do. Throws one `ERR_UNSUPPORTED` that lists every mismatch with its remedy. */
export async function negotiate(plan: Plan, found: ReadonlyMap<Planned, Capabilities>): Promise<void> {
  const mismatches: Mismatch[] = []
  for (const planned of plan.all) {
    const add: Add = (kind, wanted = '', has = '') => void mismatches.push({ planned, kind, wanted, has })
    const capabilities = found.get(planned)
    if ('refused' in planned.declared) add('refused', planned.declared.refused, planned.declared.remedy)
    else if (capabilities) await check(planned, capabilities, add)
  }
  if (mismatches.length > 0) throw (await lazy.refusals()).mismatchError(mismatches, plan)
}

async function check(planned: Planned, capabilities: Capabilities, add: Add): Promise<void> {
  const { definition, endpoint } = planned
  if (!definition) return
  const destination = destinationOf(definition)
  const { requires, deduplicationId } = destination.options
  const { ordering, delivery, deduplication, confirms } = capabilities
  const lossy = planned.route.delivery === 'at-most-once'
  if (endpoint.keyed && ordering === 'none') add('keyOrder')
  if (delivery === 'at-most-once' && !lossy) add('delivery')
  if ((requires?.confirms ?? true) && !confirms && !lossy) add('confirms')
  if (deduplicationId && !deduplication) add('deduplicationId')
  if (!requires && !endpoint.subscription && !endpoint.parameters && !(destination.kind === 'queue' && destination.reply)) return
  ;(await lazy.requirements()).checkRequirements(destination, planned, capabilities, add)
}
