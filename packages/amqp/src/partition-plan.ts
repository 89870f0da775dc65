/** What a process knows about one partition queue that it waits on. */
export interface HeldPartition {
  readonly partition: number
  /** It has received something: it is the single active consumer. Without a message, nobody can tell. */
  readonly active: boolean
  /** Unsettled messages here. */
  readonly unsettled: number
  readonly prefetch: number
}

export interface PartitionPlan {
  /** Active ones to hand over: the running handlers end first. */
  readonly handOver: readonly number[]
  /** Ones without messages to subscribe again at the end of the line. */
  readonly requeue: readonly number[]
}

export interface PartitionFacts {
  readonly partitions: number
  /** Processes that share the partitions, this one included. */
  readonly members: number
  /** Members when the last plan was made. */
  readonly membersBefore: number
  readonly held: readonly HeldPartition[]
  /** Messages that may be unsettled in this process. */
  readonly window: number
}

/** Partitions per process, rounded up. */
export function shareOf(partitions: number, members: number): number {
  return Math.ceil(partitions / Math.max(1, members))
}

/** Window of one partition when each process has its share. */
export function prefetchOf(window: number, partitions: number, members: number): number {
  return Math.max(1, Math.min(65_535, Math.floor(window / shareOf(partitions, members))))
}

/**
 * What one process gives up so that each comes to its share. All processes wait on all partitions; the broker lets one of them consume, the first in line,
 * and the next when that one leaves. So whoever has too many closes the surplus and joins the end of the line.
 */
export function planPartitions(facts: PartitionFacts): PartitionPlan {
  const { partitions, members, membersBefore, held, window } = facts
  const share = shareOf(partitions, members)
  const desired = prefetchOf(window, partitions, members)
  const active = held.filter((one) => one.active).toSorted((a, b) => b.unsettled - a.unsettled)
  const idle = held.filter((one) => !one.active)
  const surplus = active.slice(share)
  // Idle ones may be ours without our knowing. When somebody has joined, keep as many as the share allows and offer him the rest.
  const offered = members > membersBefore ? idle.slice(Math.max(0, share - active.length)) : []
  const wrong = (one: HeldPartition): boolean => one.prefetch > desired * 2 || one.prefetch * 2 < desired
  const misfits = idle.filter((one) => wrong(one) && !offered.includes(one))
  // A wrong window on an active one is repaired one at a time: each hand-over waits for running handlers.
  const misfit = surplus.length === 0 ? active.find(wrong) : undefined
  return {
    handOver: [...surplus, ...(misfit === undefined ? [] : [misfit])].map((one) => one.partition),
    requeue: [...offered, ...misfits].map((one) => one.partition),
  }
}
