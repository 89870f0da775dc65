import type { Incoming } from '@busbar/core/driver'
import type { History } from './history.ts'
import type { Watch } from './guarded-driver.ts'
import type { Process } from './process.ts'

export interface BodiesOptions {
  readonly history: History
  /** Are bodies deleted at all when their messages are acked? */
  readonly deletes: boolean
  /** The broker answers acks, so that one is there before the body goes. */
  readonly durable: boolean
}

interface AckOf {
  readonly process: Process
  /** The broker had not taken it before. */
  good: boolean
}

/** The bodies of claimed messages, and who needs them. */
export class Bodies {
  readonly #options: BodiesOptions
  readonly #bodies = new Map<string, Uint8Array>()
  /** Ids of the messages that refer to them. */
  readonly #owners = new Map<string, string>()
  readonly #acks = new Map<string, AckOf[]>()
  /** Those of which a process was told that their message was acked for good, as the last step of its handling. */
  readonly #told = new Set<string>()
  /** Deletions that were begun. */
  readonly #deleting = new Set<string>()
  /** Ids of messages that a broker took away from a receiver. */
  readonly #takenAway = new Set<string>()

  constructor(options: BodiesOptions) {
    this.#options = options
  }

  put(key: string, body: Uint8Array): void {
    this.#options.history.tried.claimedBodies++
    this.#bodies.set(key, body.slice())
  }

  get(key: string): Uint8Array | undefined {
    return this.#bodies.get(key)
  }

  deleting(key: string): void {
    this.#deleting.add(key)
  }

  delete(key: string): void {
    const { history, durable } = this.#options
    const id = this.#owners.get(key)
    if (id !== undefined) {
      if (!history.effects.has(id)) history.problems.add(`body: that of ${id} was deleted, and ${id} has not been handled`)
      if (!this.#acks.has(key)) history.problems.add(`body: that of ${id} was deleted before ${id} was acked`)
      else if (durable && !history.acks.has(id)) history.problems.add(`body: that of ${id} was deleted before the broker had taken an ack of ${id}`)
    }
    this.#bodies.delete(key)
  }

  /** A broker has stored a message. */
  stored({ id, headers }: Incoming): void {
    const key = keyIn(headers)
    if (key !== undefined && id !== undefined) this.#owners.set(key, id)
  }

  /** A broker has taken a message away from who had it, so that its redelivery may be acked without another run. Without an id: a whole shard, with any of those that are there. */
  takenAway(id: string | undefined): void {
    for (const taken of id === undefined ? this.#owners.values() : [id]) this.#takenAway.add(taken)
  }

  /** What a process does with its messages. */
  watch(process: Process): Watch {
    return {
      acked: ({ headers }) => {
        const key = keyIn(headers)
        if (key === undefined) return undefined
        const ack: AckOf = { process, good: false }
        this.#acks.set(key, [...(this.#acks.get(key) ?? []), ack])
        return (result) => void (ack.good = result === 'durable' || result === 'accepted')
      },
    }
  }

  /** A middleware was told that the broker has taken the ack: now the body may go. */
  told(key: string): void {
    this.#told.add(key)
  }

  /** Looks at what is left when all is over. */
  inspect(): void {
    const { history, deletes } = this.#options
    const { tried, deadLettered, problems } = history
    for (const key of this.#bodies.keys()) {
      const id = this.#owners.get(key)
      if (id === undefined) tried.orphansOfFailedSends++
      else if (deletes && !deadLettered.has(id)) {
        const acks = this.#acks.get(key) ?? []
        if (this.#deleting.has(key)) tried.orphansOfFailedDeletes++
        else if (!acks.some(({ process, good }) => process.alive && good)) {
          if (acks.some(({ process }) => !process.alive)) tried.orphansOfCrashes++
          else tried.orphansOfLateAcks++
        } else if (!this.#told.has(key) && this.#takenAway.has(id)) tried.orphansOfLostLeases++
        else problems.add(`body: that of ${id} was left behind, and the process that acked ${id} lived on`)
      }
    }
  }
}

/** Under which the body of a message is stored. */
export function keyIn(headers: Incoming['headers']): string | undefined {
  const reference = headers['busbar-claim']
  return reference === undefined ? undefined : (JSON.parse(reference) as { readonly k: string }).k
}
