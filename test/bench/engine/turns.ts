/** Who measures in turn with others. */
export type Party = object

/**
 * Lets processes that measure the same thing work a slice each in turn, one at a time, so that a slow second of the machine meets all alike. Begins when every party has
 * asked, which is when all are warm.
 */
export class Turns {
  readonly #waiting: { readonly party: Party; readonly go: () => void }[] = []
  #parties: number
  #begun = false
  #holder: Party | undefined

  constructor(parties: number) {
    this.#parties = parties
  }

  /** Calls `go` when it is the party's turn; the one that it has had is over. */
  ask(party: Party, go: () => void): void {
    if (this.#holder === party) this.#holder = undefined
    this.#waiting.push({ party, go })
    this.#next()
  }

  /** The party has ended, or failed. Call it once. */
  leave(party: Party): void {
    if (this.#holder === party) this.#holder = undefined
    const index = this.#waiting.findIndex((each) => each.party === party)
    if (index !== -1) this.#waiting.splice(index, 1)
    this.#parties--
    this.#next()
  }

  #next(): void {
    if (this.#holder !== undefined) return
    this.#begun ||= this.#waiting.length === this.#parties
    const [first] = this.#waiting
    if (!this.#begun || first === undefined) return
    this.#waiting.shift()
    this.#holder = first.party
    first.go()
  }
}
