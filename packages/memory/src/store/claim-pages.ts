const pageBits = 12
/** Claims per page: {@link ClaimPages} takes and gives back memory by so many. */
export const pageSize: number = 2 ** pageBits

/** What is known of a key. `free`: nothing, the place is empty. */
export const claimState = { free: 0, busy: 1, done: 2 } as const

/** Claims side by side, one array per property: a million objects would each be visited by every garbage collection. */
export class ClaimPage {
  readonly keys: string[] = new Array<string>(pageSize).fill('')
  /** The owner while the claim is busy, the value once it is done: a million remembered owners are a hundred megabytes. */
  readonly texts: string[] = new Array<string>(pageSize).fill('')
  readonly hashes: Int32Array = new Int32Array(pageSize)
  readonly fences: Float64Array = new Float64Array(pageSize)
  readonly expiresAt: Float64Array = new Float64Array(pageSize)
  readonly states: Uint8Array = new Uint8Array(pageSize)
  /** Claims that are not free. */
  held = 0
}

/**
 * All claims, numbered. New ones always stand behind the last, so that claims of one time lie together, where the processor's cache finds them;
 * what ends leaves a gap, and a page without claims is given back.
 */
export class ClaimPages {
  readonly #pages: (ClaimPage | undefined)[] = [new ClaimPage()]
  /** Indexes in `#pages` without a page. */
  readonly #unused: number[] = []
  /** The page that takes new claims, and how many of its places are taken. */
  #last = 0
  #taken = 0

  /** Numbers below it may be in use. */
  get end(): number {
    return this.#pages.length * pageSize
  }

  /** Pages that memory is held for. */
  get pages(): number {
    return this.#pages.length - this.#unused.length
  }

  pageOf(number: number): ClaimPage | undefined {
    return this.#pages[number >> pageBits]
  }

  /** True if new claims go to the page of this number. */
  isLast(number: number): boolean {
    return number >> pageBits === this.#last
  }

  /** The number of a place that is the caller's to fill. */
  add(): number {
    if (this.#taken === pageSize) this.#turn()
    const page = this.#pages[this.#last] as ClaimPage
    page.held++
    return this.#last * pageSize + this.#taken++
  }

  free(number: number): void {
    const page = this.#pages[number >> pageBits] as ClaimPage
    const at = placeOf(number)
    page.states[at] = claimState.free
    page.keys[at] = ''
    page.texts[at] = ''
    if (--page.held === 0 && !this.isLast(number)) this.#giveBack(number >> pageBits)
  }

  /** Moves a claim behind the last one and returns its new number. */
  move(number: number): number {
    const from = this.#pages[number >> pageBits] as ClaimPage
    const fromAt = placeOf(number)
    const moved = this.add()
    const to = this.#pages[this.#last] as ClaimPage
    const toAt = placeOf(moved)
    to.keys[toAt] = from.keys[fromAt] as string
    to.texts[toAt] = from.texts[fromAt] as string
    to.hashes[toAt] = from.hashes[fromAt] as number
    to.fences[toAt] = from.fences[fromAt] as number
    to.expiresAt[toAt] = from.expiresAt[fromAt] as number
    to.states[toAt] = from.states[fromAt] as number
    this.free(number)
    return moved
  }

  #turn(): void {
    this.#taken = 0
    if (this.#pages[this.#last]?.held === 0) return
    this.#last = this.#unused.pop() ?? this.#pages.length
    this.#pages[this.#last] = new ClaimPage()
  }

  #giveBack(index: number): void {
    this.#pages[index] = undefined
    this.#unused.push(index)
  }
}

/** Where in its page the claim with this number stands. */
export function placeOf(number: number): number {
  return number & (pageSize - 1)
}
