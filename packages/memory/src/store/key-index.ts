/** Places of a table that holds nothing. A power of two, like every other number of places. */
const fewestPlaces = 16

/**
 * Finds the number of an entry by the hash of its key: a hash table with linear probing.
 * A `Map` with millions of entries spends a microsecond on each more, since it looks at every key again when it grows; this one keeps the hashes and looks at no
 * key but the one that is sought. It also ends at 2²⁴ entries; this one holds numbers up to 2³¹ − 2.
 */
export class KeyIndex {
  readonly #keyOf: (number: number) => string
  /** Two per place: the hash, and the number + 1; 0 where the place is empty. */
  #table: Int32Array = new Int32Array(2 * fewestPlaces)
  #mask: number = fewestPlaces - 1
  #size = 0

  constructor(keyOf: (number: number) => string) {
    this.#keyOf = keyOf
  }

  /** Numbers held. */
  get size(): number {
    return this.#size
  }

  /** Places that memory is held for. */
  get places(): number {
    return this.#mask + 1
  }

  /** −1 if there is none. */
  find(hash: number, key: string): number {
    const table = this.#table
    for (let place = hash & this.#mask; ; place = (place + 1) & this.#mask) {
      const number = (table[2 * place + 1] as number) - 1
      if (number === -1 || (table[2 * place] === hash && this.#keyOf(number) === key)) return number
    }
  }

  /** Its key must not be there yet. */
  add(hash: number, number: number): void {
    this.#size++
    if (this.#size * 4 > this.places * 3) this.#resize(this.places * 2)
    this.#put(hash, number)
  }

  /** The entry has moved. */
  renumber(hash: number, from: number, to: number): void {
    this.#table[2 * this.#placeOf(hash, from) + 1] = to + 1
  }

  delete(hash: number, number: number): void {
    this.#close(this.#placeOf(hash, number))
    this.#size--
    if (this.#size * 8 < this.places && this.places > fewestPlaces) this.#resize(this.places / 2)
  }

  #put(hash: number, number: number): void {
    let place = hash & this.#mask
    while (this.#table[2 * place + 1] !== 0) place = (place + 1) & this.#mask
    this.#table[2 * place] = hash
    this.#table[2 * place + 1] = number + 1
  }

  #placeOf(hash: number, number: number): number {
    let place = hash & this.#mask
    while (this.#table[2 * place + 1] !== number + 1) place = (place + 1) & this.#mask
    return place
  }

  /** Moves what stands behind into the gap where it may, so that nothing is ever sought past a gap, and no marks of what was deleted are left. */
  #close(deleted: number): void {
    const table = this.#table
    const mask = this.#mask
    let gap = deleted
    for (let place = (gap + 1) & mask; table[2 * place + 1] !== 0; place = (place + 1) & mask) {
      const home = (table[2 * place] as number) & mask
      const fromHome = (place - home) & mask
      const fromGap = (place - gap) & mask
      if (fromHome < fromGap) continue
      table[2 * gap] = table[2 * place] as number
      table[2 * gap + 1] = table[2 * place + 1] as number
      gap = place
    }
    table[2 * gap + 1] = 0
  }

  #resize(places: number): void {
    const old = this.#table
    this.#table = new Int32Array(2 * places)
    this.#mask = places - 1
    for (let at = 0; at < old.length; at += 2) if (old[at + 1] !== 0) this.#put(old[at] as number, (old[at + 1] as number) - 1)
  }
}
