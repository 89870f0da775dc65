import { replyTextOf } from './errors.ts'

/** One argument that the broker has otherwise, as told by a refused declaration. */
export interface Difference {
  readonly argument: string
  /** `undefined`: it has none. */
  readonly current: string | number | boolean | undefined
}

/** Reads `inequivalent arg 'x-delivery-limit' for queue …: received '100' but current is '50'`. */
export function differenceIn(error: unknown): Difference | undefined {
  const found = /inequivalent arg '([^']+)' for .*? received .* but current is (?:none|(?:the value )?'(.*?)'(?: of type '(\w+)')?)$/s.exec(replyTextOf(error))
  const argument = found?.[1]
  return argument === undefined ? undefined : { argument, current: valueOf(argument, found?.[2], found?.[3]) }
}

const numeric = /^x-(delivery-limit|message-ttl|expires|max-.*|quorum-.*)$/
const yesOrNo = /^(x-single-active-consumer|durable|exclusive|auto_delete)$/

function valueOf(argument: string, text: string | undefined, type: string | undefined): Difference['current'] {
  if (text === undefined) return undefined
  if (numeric.test(argument) || /int|byte|short|long$/.test(type ?? '')) return /^-?\d+$/.test(text) ? Number(text) : text
  if (yesOrNo.test(argument) || type === 'bool') return text === 'true'
  return text
}
