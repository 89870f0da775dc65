/** What a queue with leases and ordering keys is allowed to do, in the simplest form: one list, and rules that every delivery is checked against. */

interface Entry {
  readonly text: string
  readonly key: string | undefined
  /** Place in the order sent; a redriven message gets a new one. */
  order: number
  state: 'ready' | 'held' | 'delayed' | 'dead' | 'gone'
  /** Monotonic: end of the lease while held, due time while delayed. */
  until: number
}

export class Reference {
  readonly #entries: Map<string, Entry> = new Map()
  #orders = 0

  sent(text: string, key: string | undefined): void {
    this.#entries.set(text, { text, key, order: ++this.#orders, state: 'ready', until: 0 })
  }

  /** Throws if this message must not be delivered now. */
  delivered(text: string, now: number, leaseUntil: number): void {
    const entry = this.#entry(text)
    if (entry.state === 'gone' || entry.state === 'dead') throw new Error(`${text} is delivered although it was settled`)
    if (entry.state === 'held' && now < entry.until) throw new Error(`${text} is delivered again while its lease lasts until ${entry.until}, at ${now}`)
    if (entry.state === 'delayed' && now < entry.until) throw new Error(`${text} is delivered at ${now}, before it is due at ${entry.until}`)
    const overtaken = entry.key === undefined ? undefined : this.#earlier(entry).find((other) => other.state !== 'held' || now >= other.until)
    if (overtaken !== undefined) throw new Error(`${text} overtakes ${overtaken.text}, which is ${overtaken.state} and has the same key`)
    entry.state = 'held'
    entry.until = leaseUntil
  }

  /** `taken`: did the broker answer that it settled the message? A live lease must be taken, a dead one must not. */
  settled(text: string, taken: boolean, now: number, becomes: 'gone' | 'ready' | 'dead', dueAt = 0): void {
    const entry = this.#entry(text)
    const live = entry.state === 'held' && now < entry.until
    if (taken !== live) throw new Error(`settling ${text} was ${taken ? '' : 'not '}taken, its lease was ${live ? 'live' : 'dead'}`)
    if (!taken) return
    entry.state = becomes === 'ready' && dueAt > now ? 'delayed' : becomes
    entry.until = dueAt
  }

  /** The consumer is gone, or has handed back: all that it held is free. */
  freed(): void {
    for (const entry of this.#entries.values()) if (entry.state === 'held') entry.state = 'ready'
  }

  redriven(text: string): void {
    const entry = this.#entry(text)
    if (entry.state !== 'dead') throw new Error(`${text} is redriven and was no dead letter`)
    entry.state = 'ready'
    entry.order = ++this.#orders
  }

  dead(): string[] {
    return [...this.#entries.values()].filter(({ state }) => state === 'dead').map(({ text }) => text)
  }

  left(): string[] {
    return [...this.#entries.values()].filter(({ state }) => state !== 'gone' && state !== 'dead').map(({ text, state }) => `${text} (${state})`)
  }

  #entry(text: string): Entry {
    const entry = this.#entries.get(text)
    if (entry === undefined) throw new Error(`${text} is delivered and was never sent`)
    return entry
  }

  #earlier(entry: Entry): Entry[] {
    return [...this.#entries.values()].filter(
      (other) => other.key === entry.key && other.order < entry.order && other.state !== 'gone' && other.state !== 'dead',
    )
  }
}
