import type { AddressParameters } from '../address/address-template.ts'
import type { DeadLetterInfo } from './types.ts'

/** Name of the one header that a dead letter carries besides what it had. */
export const deadLetterHeader = 'busbar-dead'

const version = 1
const longestBytes = 1_024
/** Characters of what is read. The longest topic of MQTT has 65,535 bytes; JSON writes some characters with six. */
const longestRead = 6 * 65_535 + longestBytes

interface Packed {
  readonly v: number
  readonly r: string
  readonly n?: string
  readonly m?: string
  readonly a: number
  readonly s: string
  readonly p?: AddressParameters
  readonly f: number
  readonly l: number
}

/** Longest error message, and longest reason and error name, in characters; the next step is taken while the header is too long. */
const cuts = [
  [600, 200],
  [300, 200],
  [150, 200],
  [75, 200],
  [0, 200],
  [0, 100],
  [0, 50],
] as const

/**
 * Compact JSON of at most 1 KiB in UTF-8, beside the parameters of an address, which are kept as they are. Of what is too long, the error's message is cut first.
 */
export function packDeadLetter(info: DeadLetterInfo): string {
  const { parameters } = info
  let packed = packWithin(info, ...cuts[0])
  for (const [message, others] of cuts.slice(1)) {
    if (Buffer.byteLength(JSON.stringify(packed)) <= longestBytes) break
    packed = packWithin(info, message, others)
  }
  return parameters === undefined ? JSON.stringify(packed) : portable(JSON.stringify({ ...packed, p: parameters }))
}

/** Without what no value of a header may hold; the other controls JSON escapes by itself. */
function portable(json: string): string {
  return json.replaceAll(/[\uFFFE\uFFFF]/g, (character) => String.raw`\u${character.charCodeAt(0).toString(16)}`)
}

function packWithin(info: DeadLetterInfo, longestMessage: number, longestOthers: number): Packed {
  const name = info.errorName === undefined ? undefined : cleaned(info.errorName, Math.min(100, longestOthers))
  const message = info.errorMessage === undefined ? undefined : cleaned(info.errorMessage, longestMessage)
  return {
    v: version,
    r: cleaned(info.reason, longestOthers),
    ...(name === undefined ? {} : { n: name }),
    ...(message ? { m: message } : {}),
    a: info.attempts,
    s: cleaned(info.source, 200),
    f: info.firstFailureAt,
    l: info.lastFailureAt,
  }
}

/** The header, the longest form first, for messages that hardly fit the backend. Without the parameters of its address, as in the last, a message cannot be sent back as it is. */
export function deadLetterForms(info: DeadLetterInfo): readonly string[] {
  const brief = { ...info, reason: info.reason.slice(0, 20), errorName: undefined, errorMessage: undefined }
  const forms = [packDeadLetter(info), packDeadLetter(brief)]
  return info.parameters === undefined ? forms : [...forms, packDeadLetter({ ...brief, parameters: undefined })]
}

/** `undefined` for messages without the header, or with one that is not ours. */
export function unpackDeadLetter(text: string | undefined): DeadLetterInfo | undefined {
  if (text === undefined || text.length > longestRead) return undefined
  const packed = parse(text)
  if (packed?.['v'] !== version) return undefined
  const { r, n, m, a, s, p, f, l } = packed
  if (typeof r !== 'string' || typeof s !== 'string' || !isCount(a) || !Number.isFinite(f) || !Number.isFinite(l)) return undefined
  return {
    reason: r,
    errorName: typeof n === 'string' ? n : undefined,
    errorMessage: typeof m === 'string' ? m : undefined,
    attempts: a,
    source: s,
    parameters: parametersOf(p),
    firstFailureAt: f as number,
    lastFailureAt: l as number,
  }
}

function parametersOf(value: unknown): AddressParameters | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value)
  return entries.every(([, text]) => typeof text === 'string')
    ? (Object.assign(Object.create(null), Object.fromEntries(entries)) as AddressParameters)
    : undefined
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

/** One line without control characters, stray surrogates or credentials in URLs. */
export function cleaned(text: string, longest: number): string {
  return (
    text
      .toWellFormed()
      // A password may hold any of what a URL is made of. In two steps, since one expression would take quadratic time.
      .replaceAll(/\/\/[^\s"'`]+/g, (url) => url.replace(/^.*@/, '//***@'))
      .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\uFFFE\uFFFF]+/gu, ' ')
      .slice(0, longest)
      .toWellFormed()
  )
}
