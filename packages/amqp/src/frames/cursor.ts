import type { RepeatedText } from './repeated-text.ts'
import { tag, twoTo32 } from './wire.ts'

/** Reads one AMQP value after another. What it cannot read, or finds cut off, leaves `at` as NaN, for good, and what is read then means nothing. Never throws. */
export class Cursor {
  at = 0
  #bytes: Buffer = Buffer.alloc(0)

  startAt(bytes: Buffer, at: number): void {
    this.#bytes = bytes
    this.at = at
  }

  octet(): number {
    return this.#bytes[this.at++] ?? (this.at = Number.NaN)
  }

  uint16(): number {
    return (this.octet() << 8) | this.octet()
  }

  uint32(): number {
    return this.uint16() * 0x1_00_00 + this.uint16()
  }

  int32(): number {
    return (this.uint16() << 16) | this.uint16()
  }

  /** The nearest number. */
  uint64(): number {
    return this.uint32() * twoTo32 + this.uint32()
  }

  int64(): number {
    return this.int32() * twoTo32 + this.uint32()
  }

  /** Up to 255 bytes. */
  shortText(): string {
    return this.#text(this.octet())
  }

  /** The same, where it is mostly what it was. */
  repeated(text: RepeatedText): string {
    const bytes = this.octet()
    this.at += bytes
    return Number.isNaN(this.at) ? '' : text.read(this.#bytes, this.at - bytes, this.at)
  }

  /** Texts, whole numbers of 32 and 64 bits, and booleans; a table with anything else is not read. */
  table(): Record<string, unknown> {
    const fields: Record<string, unknown> = {}
    const end = this.uint32() + this.at
    while (this.at < end) {
      const name = this.shortText()
      fields[name] = this.#value()
    }
    if (this.at !== end) this.at = Number.NaN
    return fields
  }

  #value(): unknown {
    switch (this.octet()) {
      case tag.text:
        return this.#text(this.uint32())
      case tag.int32:
        return this.int32()
      case tag.int64:
        return this.int64()
      case tag.boolean:
        return this.octet() !== 0
      default:
        this.at = Number.NaN
        return undefined
    }
  }

  #text(bytes: number): string {
    this.at += bytes
    return Number.isNaN(this.at) ? '' : this.#bytes.toString('utf8', this.at - bytes, this.at)
  }
}
