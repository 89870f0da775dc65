/** What was owed to one source, and what became of it. Copies are counted once per id. */
export interface SourceBalance {
  readonly source: string
  readonly owed: number
  readonly handled: number
  /** Given up, and neither mended nor redriven since. */
  readonly deadLettered: number
  /** Copies that came and were kept from having an effect: those that senders repeated, and those that the broker made. */
  readonly suppressed: number
}

export interface Verdict {
  /** Confirmed sends, repeated ones included. */
  readonly sent: number
  readonly handled: number
  readonly deadLettered: number
  readonly suppressed: number
  /** Confirmed, and neither handled nor dead-lettered. As `source id`, like the next three. */
  readonly lost: readonly string[]
  /** Handled after something that was sent later with the same key. */
  readonly outOfOrder: readonly string[]
  /** Handled more than once. */
  readonly doubled: readonly string[]
  /** Confirmed more often than it had effects, was kept from having them, or was acked unhandled: a copy of which nothing was seen. */
  readonly unseen: readonly string[]
  /** Handled or dead-lettered though nobody sent it there, or both handled and dead-lettered. */
  readonly unexpected: readonly string[]
  readonly sources: readonly SourceBalance[]
}

interface Entry {
  readonly key: string | undefined
  /** Place in the order sent, over all keys. */
  readonly place: number
  confirmed: number
  effects: number
  suppressed: number
  /** Deliveries that the broker let go as done. */
  acked: number
  deadLettered: boolean
  /** Was dead-lettered once: it comes later than its place, and its key did not wait. */
  gaveUp: boolean
}

interface Source {
  readonly entries: Map<string, Entry>
  /** First effects, in the order in which they happened. */
  readonly order: string[]
  readonly unexpected: string[]
}

/** Keeps the books of a run without knowing how messages travel: who promised what, and what happened. */
export class Ledger {
  readonly #sources: Map<string, Source> = new Map()
  #place = 0
  #sent = 0
  #owed = 0
  #handled = 0
  #deadLettered = 0

  /** Confirmed sends so far. */
  get sent(): number {
    return this.#sent
  }

  /** Distinct messages handled so far, per source. */
  get handled(): number {
    return this.#handled
  }

  get deadLettered(): number {
    return this.#deadLettered
  }

  /** Distinct messages that have been sent to a source and have neither been handled nor dead-lettered. */
  get open(): number {
    return this.#owed - this.#handled - this.#deadLettered
  }

  /** Call it at every send, before it, in the order of the calls: the first one of an id takes its place in the order. */
  sending(id: string, sources: readonly string[], key?: string): void {
    const place = this.#place++
    for (const name of sources) {
      const { entries } = this.#source(name)
      if (entries.has(id)) continue
      entries.set(id, { key, place, confirmed: 0, effects: 0, suppressed: 0, acked: 0, deadLettered: false, gaveUp: false })
      this.#owed++
    }
  }

  /** The broker has said that it has the message. */
  confirmed(id: string, sources: readonly string[]): void {
    this.#sent++
    for (const name of sources) {
      const entry = this.#source(name).entries.get(id)
      if (entry === undefined) throw new Error(`${name} ${id} is confirmed and was never sent`)
      entry.confirmed++
    }
  }

  /** The handler has had its effect. */
  effect(source: string, id: string): void {
    const { entries, order, unexpected } = this.#source(source)
    const entry = entries.get(id)
    if (entry === undefined) {
      unexpected.push(id)
      return
    }
    if (entry.effects++ > 0) return
    order.push(id)
    this.#handled++
  }

  /** A copy came, and the handler was kept from it. */
  suppressed(source: string, id: string): void {
    const { entries, unexpected } = this.#source(source)
    const entry = entries.get(id)
    if (entry === undefined) unexpected.push(id)
    else entry.suppressed++
  }

  /** A delivery was acked, handled or not. Sources without books are left out. */
  acked(source: string, id: string): void {
    const entry = this.#sources.get(source)?.entries.get(id)
    if (entry !== undefined) entry.acked++
  }

  /** It was found among the dead letters, or reported to be on its way there. May be called again. */
  gaveUp(source: string, id: string): void {
    const { entries, unexpected } = this.#source(source)
    const entry = entries.get(id)
    if (entry === undefined) unexpected.push(id)
    else if (!entry.deadLettered) {
      entry.deadLettered = true
      entry.gaveUp = true
      this.#deadLettered++
    }
  }

  /** It was taken from the dead letters and sent on its way again: from here on it is owed once more. */
  revived(source: string, id: string): void {
    const entry = this.#source(source).entries.get(id)
    if (entry?.deadLettered !== true) throw new Error(`${source} ${id} is revived and was not dead-lettered`)
    entry.deadLettered = false
    this.#deadLettered--
  }

  verdict(): Verdict {
    const balances = [...this.#sources].map(([name, source]) => ({ ...balanceOf(name, source), ...faultsOf(name, source) }))
    const all = (fault: keyof Faults): string[] => balances.flatMap((balance) => balance[fault])
    const sum = (figure: 'handled' | 'deadLettered' | 'suppressed'): number => balances.reduce((total, balance) => total + balance[figure], 0)
    return {
      sent: this.#sent,
      handled: sum('handled'),
      deadLettered: sum('deadLettered'),
      suppressed: sum('suppressed'),
      lost: all('lost'),
      outOfOrder: all('outOfOrder'),
      doubled: all('doubled'),
      unseen: all('unseen'),
      unexpected: all('unexpected'),
      sources: balances.map(({ source, owed, handled, deadLettered, suppressed }) => ({ source, owed, handled, deadLettered, suppressed })),
    }
  }

  #source(name: string): Source {
    let source = this.#sources.get(name)
    if (source === undefined) this.#sources.set(name, (source = { entries: new Map(), order: [], unexpected: [] }))
    return source
  }
}

function balanceOf(source: string, { entries }: Source): SourceBalance {
  const all = [...entries.values()]
  return {
    source,
    owed: all.filter((entry) => entry.confirmed > 0).length,
    handled: all.filter((entry) => entry.effects > 0).length,
    deadLettered: all.filter((entry) => entry.deadLettered).length,
    suppressed: all.reduce((copies, entry) => copies + entry.suppressed, 0),
  }
}

type Faults = Pick<Verdict, 'lost' | 'outOfOrder' | 'doubled' | 'unseen' | 'unexpected'>

function faultsOf(name: string, source: Source): Faults {
  const ids = (wrong: (entry: Entry) => boolean): string[] => [...source.entries].filter(([, entry]) => wrong(entry)).map(([id]) => `${name} ${id}`)
  return {
    lost: ids((entry) => entry.confirmed > 0 && entry.effects === 0 && !entry.deadLettered),
    doubled: ids((entry) => entry.effects > 1),
    // What was given up was neither handled nor suppressed, and its copies may be among the dead letters.
    unseen: ids(({ confirmed, effects, suppressed, acked, gaveUp }) => effects > 0 && !gaveUp && Math.max(effects + suppressed, acked) < confirmed),
    outOfOrder: disorderOf(source).map((id) => `${name} ${id}`),
    unexpected: [...ids((entry) => entry.effects > 0 && entry.deadLettered), ...source.unexpected.map((id) => `${name} ${id}`)],
  }
}

/** After dropping repeated ids, each key is handled in the order sent. */
function disorderOf({ entries, order }: Source): string[] {
  const latest = new Map<string, number>()
  return order.filter((id) => {
    const { key, place, gaveUp } = entries.get(id) as Entry
    if (key === undefined || gaveUp) return false
    const before = latest.get(key) ?? -1
    latest.set(key, Math.max(before, place))
    return place < before
  })
}
