import { BrokerError, isBrokerError, isTlsFault, type BrokerErrorOptions, type ErrorCode } from '@busbar/core/driver'

/** Makes an error of this store. */
export function redisError(code: ErrorCode, message: string, options: Omit<BrokerErrorOptions, 'driver'> = {}): BrokerError {
  return new BrokerError(code, message, { ...options, driver: 'redis' })
}

/**
 * Maps what ioredis, the socket or the server threw. Errors of ioredis carry the command with all its arguments, keys, values and the password of a login
 * among them; the cause keeps their text alone.
 */
export function toBrokerError(error: unknown, doing: string): BrokerError {
  if (isBrokerError(error)) return error
  const text = textOf(error)
  return redisError(codeOf(error, text), `redis: ${doing}: ${text}`, { cause: new Error(text) })
}

/** As {@link toBrokerError}, for what kept us from a connection: however strange it is, it is no refusal of a call that waits for one. */
export function toConnectionError(error: unknown, doing: string): BrokerError {
  const mapped = toBrokerError(error, doing)
  return mapped.code === 'ERR_INVALID' ? redisError('ERR_UNAVAILABLE', mapped.message, { cause: mapped.cause }) : mapped
}

/** Is it the answer to a script that the server does not know (any more)? */
export function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.includes('NOSCRIPT')
}

/** The first word of an answer names the error. Answers from inside a script carry words around it before Redis 7. */
const answers: readonly (readonly [RegExp, ErrorCode])[] = [
  [/\b(NOAUTH|WRONGPASS|NOPERM)\b|invalid password|AUTH failed/, 'ERR_ACCESS_DENIED'],
  [/\bBUSBAR-FOREIGN\b|\bWRONGTYPE\b/, 'ERR_CONFLICT'],
  // Where scripts are not allowed at all, that is no refusal of one claim.
  [/\bunknown command\b/i, 'ERR_CONFIGURATION'],
  [/\bOOM\b/, 'ERR_THROTTLED'],
  [/\b(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MISCONF|NOREPLICAS|BUSY|UNBLOCKED|MOVED|ASK)\b/, 'ERR_UNAVAILABLE'],
]

function codeOf(error: unknown, text: string): ErrorCode {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown }
  if (isTlsFault(code)) return 'ERR_CONFIGURATION'
  const found = answers.find(([pattern]) => pattern.test(text))
  if (found !== undefined) return found[1]
  return name === 'ReplyError' || error instanceof TypeError || error instanceof RangeError ? 'ERR_INVALID' : 'ERR_UNAVAILABLE'
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { code, lastNodeError } = error as Error & { readonly code?: unknown; readonly lastNodeError?: unknown }
  // Several addresses that were all refused have no text in common. A cluster tells what its last node said.
  const message = error.message !== '' ? error.message : typeof code === 'string' ? code : error.name
  // What OpenSSL says of an answer in clear text.
  const text = message.includes('wrong version number') ? 'nothing speaks TLS at this address; check the port, or use redis:// where it is plain' : message
  return lastNodeError instanceof Error ? `${text} ${textOf(lastNodeError)}` : text
}
