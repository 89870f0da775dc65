import { ClaimPages, claimState, pageSize, placeOf, type ClaimPage } from './claim-pages.ts'
import { secretKeyHash } from './key-hash.ts'
import { KeyIndex } from './key-index.ts'

/** The keys are spread over 2⁶ indexes that grow one by one: growing a single one would hold up the process for half a second at ten million claims. */
const indexBits = 6

/** Claims by key, numbered: finds, adds and deletes them in O(1), and gives back the memory of expired ones by and by. A number holds until the next sweep. */
export class ClaimTable {
  readonly #pages: ClaimPages = new ClaimPages()
  readonly #indexes: readonly KeyIndex[]
  readonly #hash = secretKeyHash()
  /** A key is mostly asked for several times in a row: claimed, added and completed. */
  #lastKey = ''
  #lastHash: number = this.#hash('')
  /** Number of the claim that the sweep looks at next. */
  #hand = 0

  constructor() {
    const keyOf = (number: number): string => this.page(number).keys[placeOf(number)] as string
    this.#indexes = Array.from({ length: 2 ** indexBits }, () => new KeyIndex(keyOf))
  }

  /** Claims held, expired ones included until they are swept. */
  get size(): number {
    return this.#indexes.reduce((sum, index) => sum + index.size, 0)
  }

  /** Claims that memory is held for. */
  get places(): number {
    return this.#pages.pages * pageSize
  }

  /** The page of a claim that is there. */
  page(number: number): ClaimPage {
    return this.#pages.pageOf(number) as ClaimPage
  }

  /** The number of the key's claim, expired or not; −1 if there is none. */
  find(key: string): number {
    const hash = this.#hashOf(key)
    return this.#indexOf(hash).find(hash, key)
  }

  /** Adds a busy claim under a key that has none. */
  add(key: string, owner: string, fence: number, expiresAt: number): void {
    const hash = this.#hashOf(key)
    const number = this.#pages.add()
    const page = this.page(number)
    const at = placeOf(number)
    page.keys[at] = key
    page.texts[at] = owner
    page.hashes[at] = hash
    page.fences[at] = fence
    page.expiresAt[at] = expiresAt
    page.states[at] = claimState.busy
    this.#indexOf(hash).add(hash, number)
  }

  delete(number: number): void {
    const hash = this.#storedHash(number)
    this.#indexOf(hash).delete(hash, number)
    this.#pages.free(number)
  }

  /** The numbers of all claims. */
  numbers(): number[] {
    const numbers: number[] = []
    for (let number = 0; number < this.#pages.end; number = this.#after(number)) if (this.#isHeld(number)) numbers.push(number)
    return numbers
  }

  /**
   * Looks at the next `count` places, round and round, and deletes what has expired. That needs no order of expiry, and nothing lasts longer than one round.
   * Claims on a page that is less than half full move together, so that a few long-lived ones don't hold the memory of many.
   */
  sweep(now: number, count: number): void {
    for (let looked = 0; looked < count; looked++) {
      const number = this.#hand < this.#pages.end ? this.#hand : 0
      this.#hand = this.#after(number)
      if (!this.#isHeld(number)) continue
      const page = this.page(number)
      if ((page.expiresAt[placeOf(number)] as number) <= now) this.delete(number)
      else if (page.held * 2 < pageSize && !this.#pages.isLast(number)) this.#move(number)
    }
  }

  /** A page that was given back is passed over in one step: there may be many after a rush. */
  #after(number: number): number {
    return this.#pages.pageOf(number) === undefined ? number + pageSize - placeOf(number) : number + 1
  }

  #move(number: number): void {
    const hash = this.#storedHash(number)
    this.#indexOf(hash).renumber(hash, number, this.#pages.move(number))
  }

  #isHeld(number: number): boolean {
    const page = this.#pages.pageOf(number)
    return page !== undefined && page.states[placeOf(number)] !== claimState.free
  }

  #storedHash(number: number): number {
    return this.page(number).hashes[placeOf(number)] as number
  }

  #hashOf(key: string): number {
    if (key !== this.#lastKey) {
      this.#lastKey = key
      this.#lastHash = this.#hash(key)
    }
    return this.#lastHash
  }

  /** By the upper bits; within an index the lower ones count. */
  #indexOf(hash: number): KeyIndex {
    return this.#indexes[hash >>> (32 - indexBits)] as KeyIndex
  }
}
