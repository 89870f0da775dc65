import { json } from '@busbar/core'
import { bodyText } from '@busbar/core/driver'
import type { Fingerprint } from './fingerprint.ts'

/** What is stored under a completed key: a head, `1|fingerprint|`, and the reply as JSON if there was one. */
export interface CompletedRecord {
  /** `undefined` if bodies are not compared. */
  readonly head: string | undefined
  /** `undefined` if there was none. */
  readonly reply: unknown
}

/** Without a fingerprint if bodies are not compared. */
export function recordHead(fingerprint: Fingerprint | undefined): string {
  return fingerprint === undefined ? unprinted : printed(fingerprint)
}

/** Throws a `TypeError` for a reply that JSON cannot carry, or would change. */
export function writeRecord(head: string, reply: unknown): string {
  return reply === undefined ? head : head + bodyText(json.encode(reply))
}

/** Is this what {@link writeRecord} writes, here or in a newer version? Then its message has been handled. */
export function isRecord(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const length = headLength(value)
  if (length === 0) return newer.test(value)
  return value.length === length || isJson(value.slice(length))
}

/** For texts that {@link isRecord} says yes to. Records of newer versions compare with every body and hold no reply. */
export function readRecord(text: string): CompletedRecord {
  const length = headLength(text)
  if (length === 0) return { head: undefined, reply: undefined }
  const reply = text.slice(length)
  return { head: length === unprinted.length ? undefined : text.slice(0, length), reply: reply === '' ? undefined : JSON.parse(reply) }
}

const unprinted = '1||'
/** `1|`, eleven characters, `|`. */
const printedLength = 14
const newer = /^(?:[2-9]|[1-9]\d+)\|/

/** 0: the text does not begin as a record of this version. */
function headLength(text: string): number {
  if (text.startsWith(unprinted)) return unprinted.length
  return text.startsWith('1|') && text.indexOf('|', 2) === printedLength - 1 ? printedLength : 0
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const [version, bar] = ['1'.charCodeAt(0), '|'.charCodeAt(0)]
const alphabet = Uint8Array.from('0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_', (digit) => digit.charCodeAt(0))

/** 64 bits as eleven characters. Made in one call, because a text put together from parts stays in parts, and a store keeps millions of them. */
function printed({ high, low }: Fingerprint): string {
  return String.fromCharCode(
    version,
    bar,
    digit(high, 26),
    digit(high, 20),
    digit(high, 14),
    digit(high, 8),
    digit(high, 2),
    digit((high << 4) | (low >>> 28), 0),
    digit(low, 22),
    digit(low, 16),
    digit(low, 10),
    digit(low, 4),
    digit(low << 2, 0),
    bar,
  )
}

function digit(bits: number, shift: number): number {
  return alphabet[(bits >>> shift) & 63] as number
}
