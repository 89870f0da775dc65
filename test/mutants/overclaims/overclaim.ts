import { BrokerError, type Capabilities } from '@busbar/core/driver'
import type { ProfileName } from '@busbar/memory'
import type { Alterations } from '../alter.ts'
import { claiming } from '../faults/schedules.ts'
import type { Mutant } from '../mutant.ts'

/** What is known of false claims about one capability. */
export interface FalseClaims {
  /** The driver is sound (or as strict as its claim was before), and claims more. */
  readonly mutants: readonly Mutant[]
  /** Mutants elsewhere that claim it and do not keep it. */
  readonly others?: readonly string[]
  /** Parts of the claim that no case can refute, each with the reason. */
  readonly irrefutable?: readonly string[]
}

type Parts = Pick<Mutant, 'name' | 'fault' | 'killedBy'> &
  Partial<Mutant> & {
    readonly claim: (claimed: Capabilities) => Partial<Capabilities>
    /** What it does in truth, where the driver below can do what is claimed. */
    readonly really?: () => Alterations
  }

export function overclaim({ claim, really = () => ({}), ...mutant }: Parts): Mutant {
  return { ...mutant, alterations: () => ({ ...claiming(claim), ...really() }) }
}

/** Profiles of SQS that have keys, or topics. */
export const otherSqs: readonly ProfileName[] = ['sqs-fifo', 'sns']

export function tooMuch(): BrokerError {
  return new BrokerError('ERR_INVALID', 'more than the broker takes', { driver: 'memory' })
}
