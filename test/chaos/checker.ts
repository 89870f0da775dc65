import { isDoubled } from './double-effects.ts'
import { addEffect, isSettled, nothing, type Entry } from './entry.ts'
import type { HistoryEvent } from './history.ts'
import { IdleWatch } from './idle.ts'
import { outOfOrder } from './key-order.ts'
import { highest, memoryProblem } from './memory.ts'
import { isPoisoned } from './message-id.ts'

/** What the backend and the chain of the run promise. */
export interface Promised {
  /** Order per key. */
  readonly ordered: boolean
  /** Idempotency is on: one effect per message. Without it effects may be repeated, and are not judged. */
  readonly once: boolean
  /** All consumers get messages. */
  readonly shared: boolean
  /** Most resident memory of a process, in bytes. */
  readonly memoryBytes: number
}

export interface Verdict {
  /** Messages of which a send was confirmed. */
  readonly sent: number
  /** Messages that had their effect. */
  readonly handled: number
  readonly deadLettered: number
  /** Handler starts beyond the first of a message: retries, and copies that came while nobody had handled them. */
  readonly repeats: number
  /** Messages that were given to `send`, and of which nobody knows whether they are stored. */
  readonly unconfirmed: number
  readonly lost: readonly string[]
  readonly outOfOrder: readonly string[]
  /** `undefined`: not judged, since there was no idempotency. */
  readonly doubleEffects: readonly string[] | undefined
  /** All else that is off, as sentences. */
  readonly others: readonly string[]
  readonly memoryBytes: number
}

interface Process {
  ended: boolean
  /** Nanoseconds; `Infinity`: never. */
  killedAt: number
  /** Resident set, in bytes. */
  readonly memory: number[]
  /** Calls of `send` without an outcome, and handlers without an end, by id. */
  readonly sending: Map<string, number>
  readonly running: Map<string, number>
}

/**
 * Judges the histories of a run, knowing nothing but them. Events of one process come in the order of its history; those of different processes in any.
 */
export class Checker {
  readonly #entries = new Map<string, Entry>()
  readonly #processes = new Map<string, Process>()
  readonly #idle = new IdleWatch()
  readonly #wrong: string[] = []
  #left: { readonly at: number; readonly count: number } | undefined
  #confirmed = 0
  #settled = 0

  /** Confirmed messages that are neither handled nor dead letters as yet. */
  get open(): number {
    return this.#confirmed - this.#settled
  }

  get confirmed(): number {
    return this.#confirmed
  }

  add(by: string, event: HistoryEvent): void {
    const process = this.#process(by)
    const { kind, what, detail, at } = event
    this.#idle.add(by, event)
    switch (kind) {
      case 'sending':
        this.#entry(what).sent = true
        count(process.sending, what, 1)
        return
      case 'confirmed':
      case 'failed':
      case 'refused':
        count(process.sending, what, -1)
        this.#sent(what, kind, detail)
        return
      case 'begin':
      case 'effect':
      case 'failure':
      case 'done':
        this.#handling(process, event)
        return
      case 'dead':
        this.#change(this.#entry(what), (entry) => void (entry.dead = true))
        return
      case 'left':
        if (this.#left === undefined || at > this.#left.at) this.#left = { at, count: Number(what) }
        return
      case 'memory':
        process.memory.push(Number(what))
        return
      case 'wrong':
        this.#wrong.push(`${by}: ${what} ${detail}`.trim())
        return
      case 'end':
        process.ended = true
        return
      case 'killed':
        this.#process(what).killedAt = at
        return
      case 'note':
      case 'fault':
      case 'over':
        return
    }
  }

  verdict({ ordered, once, shared, memoryBytes }: Promised): Verdict {
    const entries = [...this.#entries]
    const idsOf = (wrong: (entry: Entry, id: string) => boolean): string[] => entries.filter(([id, entry]) => wrong(entry, id)).map(([id]) => id)
    const howMany = (which: (entry: Entry) => boolean): number => entries.filter(([, entry]) => which(entry)).length
    return {
      sent: this.#confirmed,
      handled: howMany(({ firstEffect }) => firstEffect > 0),
      deadLettered: howMany(({ dead }) => dead),
      repeats: entries.reduce((sum, [, { begun }]) => sum + Math.max(0, begun - 1), 0),
      unconfirmed: howMany(({ confirmed, refused }) => !confirmed && !refused),
      lost: idsOf((entry) => entry.confirmed && !isSettled(entry)),
      outOfOrder: ordered ? outOfOrder(this.#entries) : [],
      doubleEffects: once ? idsOf(({ effects = [], rememberedAt }) => isDoubled(effects, rememberedAt)) : undefined,
      others: [
        ...idsOf((entry, id) => entry.dead && !isPoisoned(id)).map((id) => `a dead letter without a cause: ${id}`),
        ...idsOf((entry, id) => entry.firstEffect > 0 && isPoisoned(id)).map((id) => `an effect of a message whose handler fails: ${id}`),
        ...idsOf(({ sent }) => !sent).map((id) => `nobody has sent it: ${id}`),
        ...this.#wrong,
        ...this.#stuck(),
        ...(shared ? this.#idle.problems() : []),
        ...[...this.#processes].flatMap(([name, { memory }]) => memoryProblem(name, memory, memoryBytes) ?? []),
      ],
      memoryBytes: highest([...this.#processes.values()].flatMap(({ memory }) => memory)),
    }
  }

  #sent(id: string, kind: 'confirmed' | 'failed' | 'refused', detail: string): void {
    const entry = this.#entry(id)
    if (kind === 'confirmed' && !entry.confirmed) {
      entry.confirmed = true
      this.#confirmed++
      if (isSettled(entry)) this.#settled++
    }
    if (kind === 'refused') {
      entry.refused = true
      this.#wrong.push(`a send was refused for good: ${id} ${detail}`)
    }
  }

  #handling(process: Process, { kind, what, at }: HistoryEvent): void {
    const entry = this.#entry(what)
    if (kind === 'begin') {
      entry.begun++
      if (entry.firstBegin === 0 || at < entry.firstBegin) entry.firstBegin = at
      count(process.running, what, 1)
    } else if (kind === 'effect') {
      this.#change(entry, () => addEffect(entry, { at, by: process }))
      count(process.running, what, -1)
    } else if (kind === 'failure') count(process.running, what, -1)
    else entry.rememberedAt = Math.min(entry.rememberedAt, at)
  }

  #change(entry: Entry, change: (entry: Entry) => void): void {
    const before = isSettled(entry)
    change(entry)
    if (!before && entry.confirmed && isSettled(entry)) this.#settled++
  }

  #stuck(): string[] {
    const found: string[] = []
    if (this.#left !== undefined && this.#left.count > 0) found.push(`stuck: the broker still has ${this.#left.count} messages when all are handled`)
    for (const [name, { ended, killedAt, sending, running }] of this.#processes) {
      if (killedAt < Infinity) continue
      if (!ended) found.push(`stuck: ${name} has not ended as it was told to`)
      else if (sending.size > 0) found.push(`stuck: ${sending.size} sends of ${name} never settled, such as ${[...sending.keys()][0]}`)
      else if (running.size > 0) found.push(`stuck: ${running.size} handlers of ${name} never ended, such as ${[...running.keys()][0]}`)
    }
    return found
  }

  #entry(id: string): Entry {
    let entry = this.#entries.get(id)
    if (entry === undefined) this.#entries.set(id, (entry = { ...nothing }))
    return entry
  }

  #process(name: string): Process {
    let process = this.#processes.get(name)
    if (process === undefined) this.#processes.set(name, (process = { ended: false, killedAt: Infinity, memory: [], sending: new Map(), running: new Map() }))
    return process
  }
}

/** Everything that was promised was kept. */
export function isClean({ lost, outOfOrder, doubleEffects = [], others }: Verdict): boolean {
  return lost.length + outOfOrder.length + doubleEffects.length + others.length === 0
}

function count(counts: Map<string, number>, id: string, change: number): void {
  const value = (counts.get(id) ?? 0) + change
  if (value === 0) counts.delete(id)
  else counts.set(id, value)
}
