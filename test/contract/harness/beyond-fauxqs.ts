import { allCases, type ContractCase, type KnownGap } from '@busbar/contract-tests'

/** What fauxqs does otherwise than FIFO queues: it gives out one message of a group at a time, and takes acks that come too late. */
const otherwise = ['leases/', 'ordering/', 'settling/'] as const
/** What its harness cannot cause. */
const notCaused = 'sending/partial-failure'

/** The cases in which our simulator shows what fauxqs cannot. */
export function beyondFauxqs(gaps: readonly KnownGap[], fifo: boolean): readonly ContractCase[] {
  return allCases.filter(({ id }) => id === notCaused || gaps.some((gap) => gap.case === id) || (fifo && otherwise.some((group) => id.startsWith(group))))
}
