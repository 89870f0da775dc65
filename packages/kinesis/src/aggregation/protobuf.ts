/**
 * The part of Protocol Buffers that aggregated records need: variable-length integers and length-delimited fields.
 * Written by hand, because three messages without nesting beyond two levels are less than what a library would bring.
 */

const text = new TextEncoder()
const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const
/** 64 bits, seven to a byte. */
const longestVarint = 10

/** Bytes of `value` as a variable-length integer. `value`: a whole number from 0 to 2⁵³ − 1. */
export function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

/** Bytes of a length-delimited field with a number below 16. */
export function fieldBytes(length: number): number {
  return 1 + varintBytes(length) + length
}

/** Writes into a buffer of known size. */
export class ProtobufWriter {
  readonly #target: Uint8Array
  #at: number

  constructor(target: Uint8Array, at: number) {
    this.#target = target
    this.#at = at
  }

  varint(value: number): void {
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#target[this.#at++] = (rest % 128) + 128
    this.#target[this.#at++] = rest
  }

  numberField(field: number, value: number): void {
    this.varint(field * 8 + wire.varint)
    this.varint(value)
  }

  /** What follows are `length` bytes of the field's content. */
  beginBytes(field: number, length: number): void {
    this.varint(field * 8 + wire.bytes)
    this.varint(length)
  }

  bytesField(field: number, bytes: Uint8Array): void {
    this.beginBytes(field, bytes.length)
    this.#target.set(bytes, this.#at)
    this.#at += bytes.length
  }

  textField(field: number, value: string): void {
    this.bytesField(field, text.encode(value))
  }
}

/** One field as it stands: a number, or bytes that are a view of the message. */
export interface Field {
  readonly number: number
  readonly value: number | Uint8Array | undefined
}

/** The fields of a message, in order. Those of fixed size have no value, since none is needed here. Throws a `RangeError` for what is no message. */
export function* readFields(message: Uint8Array): Generator<Field> {
  const cursor = { at: 0 }
  while (cursor.at < message.length) {
    const tag = readVarint(message, cursor)
    const number = Math.floor(tag / 8)
    if (number === 0) throw new RangeError('a field has the number 0')
    const type = tag % 8
    if (type === wire.varint) yield { number, value: readVarint(message, cursor) }
    else if (type === wire.bytes) yield { number, value: take(message, cursor, readVarint(message, cursor)) }
    else if (type === wire.fixed64 || type === wire.fixed32) {
      take(message, cursor, type === wire.fixed64 ? 8 : 4)
      yield { number, value: undefined }
    } else throw new RangeError(`a field has the wire type ${type}`)
  }
}

function take(message: Uint8Array, cursor: { at: number }, length: number): Uint8Array {
  const end = cursor.at + length
  if (end > message.length) throw new RangeError('a field is longer than the message')
  const bytes = message.subarray(cursor.at, end)
  cursor.at = end
  return bytes
}

/** Above 2⁵³ the value is rounded, which no index and no length can be. */
function readVarint(message: Uint8Array, cursor: { at: number }): number {
  let value = 0
  for (let index = 0, factor = 1; index < longestVarint; index++, factor *= 128) {
    const byte = message[cursor.at++]
    if (byte === undefined) throw new RangeError('the message ends inside a number')
    value += (byte % 128) * factor
    if (byte < 128) return value
  }
  throw new RangeError('a number has more than 64 bits')
}
