/** What was owed to one source, and what became of it. Copies are counted once per id. */
export interface SourceBalance {
  readonly source: string
  readonly owed: number
  readonly handled: number
  /** Given up, and neither mended nor redriven since. */
  readonly deadLettered: number
  /** Copies that senders repeated and that had no effect. */
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
      entries.set(id, { key, place, confirmed: 0, effects: 0, deadLettered: false, gaveUp: false })
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
    const all = (fault: 'lost' | 'outOfOrder' | 'doubled' | 'unexpected'): string[] => balances.flatMap((balance) => balance[fault])
    const sum = (figure: 'handled' | 'deadLettered' | 'suppressed'): number => balances.reduce((total, balance) => total + balance[figure], 0)
    return {
      sent: this.#sent,
      handled: sum('handled'),
      deadLettered: sum('deadLettered'),
      suppressed: sum('suppressed'),
      lost: all('lost'),
      outOfOrder: all('outOfOrder'),
      doubled: all('doubled'),
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
    suppressed: all.reduce((copies, entry) => copies + (entry.effects === 1 ? Math.max(0, entry.confirmed - 1) : 0), 0),
  }
}

function faultsOf(name: string, source: Source): Pick<Verdict, 'lost' | 'outOfOrder' | 'doubled' | 'unexpected'> {
  const ids = (wrong: (entry: Entry) => boolean): string[] => [...source.entries].filter(([, entry]) => wrong(entry)).map(([id]) => `${name} ${id}`)
  return {
    lost: ids((entry) => entry.confirmed > 0 && entry.effects === 0 && !entry.deadLettered),
    doubled: ids((entry) => entry.effects > 1),
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
