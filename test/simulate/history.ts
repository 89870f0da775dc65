import type { Holdings } from './holdings.ts'

/** What one simulated program did, as seen from outside: what was sent, and what was handled. */
export interface Sent {
  readonly id: string
  readonly key: string | undefined
  /** Order of the calls of `send`, from 0. */
  readonly number: number
  /** `unknown`: it may be stored or not. */
  outcome: 'pending' | 'confirmed' | 'failed' | 'unknown'
}

/** Numbers that tell how much a schedule has tried; nothing in them is wrong. */
export interface Tried {
  crashes: number
  /** Crashes after an effect and before its completion. */
  windows: number
  drains: number
  storeFaults: number
  /** Answers of a store of claims that no store may give. */
  storeLies: number
  /** Calls that a store never answers. */
  storeHangs: number
  claimedBodies: number
  /** Bodies left in the store, by why that is allowed. */
  orphansOfCrashes: number
  orphansOfFailedSends: number
  orphansOfFailedDeletes: number
  orphansOfLateAcks: number
  orphansOfLostLeases: number
  redriven: number
  redrivenAtRate: number
  redrivenInPart: number
  blocked: number
  skipped: number
}

export interface History {
  readonly sent: Map<string, Sent>
  /** Ids in the order in which handlers succeeded or dead letters were stored, repetitions included. */
  readonly concluded: string[]
  /** Ids found at the dead-letter place at the end. */
  readonly deadLettered: Set<string>
  /** Times that the effect of an id took place. */
  readonly effects: Map<string, number>
  /** Crashes between an effect of an id and its completion in the store: as many more effects may have taken place. */
  readonly windows: Map<string, number>
  /** Handler starts after a drain had ended. */
  startedAfterDrain: number
  /** Messages that receivers had when their connection was closed by a drain: not handed back. */
  heldAtClose: number
  /** Messages that receivers of a drained process still had when the drain had ended. */
  heldAfterDrain: number
  /** Connections of a drained process that were not closed. */
  linksAfterDrain: number
  /** What the broker still had when every message was accounted for, it was given time to become empty, and all processes were drained. */
  leftovers: Holdings
  /** Sends, consumers, drains and operations of processes that lived on, whose promises never settled. */
  unsettledPromises: number
  /** Copies that a broker stored of each id, and durable acks that it gave. */
  readonly acks: Map<string, number>
  readonly copies: Map<string, number>
  /** What was found broken while the program ran, as sentences. */
  readonly problems: Set<string>
  readonly tried: Tried
  /** Crashes by the step at which they came: before or after a call that leaves a process. */
  readonly crashedAt: Map<string, number>
}

export function emptyHistory(): History {
  return {
    sent: new Map(),
    concluded: [],
    deadLettered: new Set(),
    effects: new Map(),
    windows: new Map(),
    startedAfterDrain: 0,
    heldAtClose: 0,
    heldAfterDrain: 0,
    linksAfterDrain: 0,
    leftovers: { ready: 0, delayed: 0, inFlight: 0 },
    unsettledPromises: 0,
    acks: new Map(),
    copies: new Map(),
    problems: new Set(),
    crashedAt: new Map(),
    tried: {
      crashes: 0,
      windows: 0,
      drains: 0,
      storeFaults: 0,
      storeLies: 0,
      storeHangs: 0,
      claimedBodies: 0,
      orphansOfCrashes: 0,
      orphansOfFailedSends: 0,
      orphansOfFailedDeletes: 0,
      orphansOfLateAcks: 0,
      orphansOfLostLeases: 0,
      redriven: 0,
      redrivenAtRate: 0,
      redrivenInPart: 0,
      blocked: 0,
      skipped: 0,
    },
  }
}

export function count(counts: Map<string, number>, id: string): void {
  counts.set(id, (counts.get(id) ?? 0) + 1)
}
