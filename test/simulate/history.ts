/** What one simulated program did, as seen from outside: what was sent, and what was handled. */
export interface Sent {
  readonly id: string
  readonly key: string | undefined
  /** Order of the calls of `send`, from 0. */
  readonly number: number
  /** `unknown`: it may be stored or not. */
  outcome: 'pending' | 'confirmed' | 'failed' | 'unknown'
}

export interface History {
  readonly sent: Map<string, Sent>
  /** Ids in the order in which handlers succeeded or dead letters were stored, repetitions included. */
  readonly concluded: string[]
  /** Ids found at the dead-letter place at the end. */
  readonly deadLettered: Set<string>
  /** Times that the effect of an id took place. */
  readonly effects: Map<string, number>
  /** Handler starts after a drain had ended. */
  startedAfterDrain: number
  /** Messages still held by a broker after everything was drained, by place: unsettled or ready ones. */
  leftovers: { readonly ready: number; readonly inFlight: number }
  /** Sends and consumers whose promises never settled. */
  unsettledPromises: number
  /** Copies that a broker stored of each id, and durable acks that it gave. */
  readonly acks: Map<string, number>
  readonly copies: Map<string, number>
}

export function emptyHistory(): History {
  return {
    sent: new Map(),
    concluded: [],
    deadLettered: new Set(),
    effects: new Map(),
    startedAfterDrain: 0,
    leftovers: { ready: 0, inFlight: 0 },
    unsettledPromises: 0,
    acks: new Map(),
    copies: new Map(),
  }
}
