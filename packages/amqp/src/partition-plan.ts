/** What a process knows about one partition queue that it waits on. */
export interface HeldPartition {
  readonly partition: number
  /** It has received something: it is the single active consumer. Without a message, nobody can tell. */
  readonly active: boolean
  /** Unsettled messages here. */
  readonly unsettled: number
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
}

/** Partitions per process, rounded up. */
export function shareOf(partitions: number, members: number): number {
  return Math.ceil(partitions / Math.max(1, members))
}

/**
 * Window of one partition, the same whoever has how many. A quorum queue puts what comes back behind what had come back before and was not taken again, so a consumer
 * that takes less than the one before it had, and dies, turns messages round.
 */
export function prefetchOf(window: number, partitions: number): number {
  return Math.max(1, Math.min(65_535, Math.floor(window / partitions)))
}

/**
 * What one process gives up so that each comes to its share. All processes wait on all partitions; the broker lets one of them consume, the first in line,
 * and the next when that one leaves. So whoever has too many closes the surplus and joins the end of the line.
 */
export function planPartitions(facts: PartitionFacts): PartitionPlan {
  const { partitions, members, membersBefore, held } = facts
  const share = shareOf(partitions, members)
  const active = held.filter((one) => one.active).toSorted((a, b) => b.unsettled - a.unsettled)
  const idle = held.filter((one) => !one.active)
  // Idle ones may be ours without our knowing. When somebody has joined, keep as many as the share allows and offer him the rest.
  const offered = members > membersBefore ? idle.slice(Math.max(0, share - active.length)) : []
  return { handOver: active.slice(share).map((one) => one.partition), requeue: offered.map((one) => one.partition) }
}
