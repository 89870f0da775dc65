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

/** Throws a `TypeError` if the reply cannot be carried by JSON. */
export function writeRecord(head: string, reply: unknown): string {
  return reply === undefined ? head : head + JSON.stringify(reply)
}

/** Records of newer versions and foreign texts compare with every body and hold no reply. */
export function readRecord(text: string): CompletedRecord {
  const end = text.indexOf('|', 2)
  if (!text.startsWith('1|') || end === -1) return { head: undefined, reply: undefined }
  const [head, reply] = [text.slice(0, end + 1), text.slice(end + 1)]
  return { head: head === unprinted ? undefined : head, reply: reply === '' ? undefined : JSON.parse(reply) }
}

const unprinted = '1||'
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
