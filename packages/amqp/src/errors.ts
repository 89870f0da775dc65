import { BrokerError, isBrokerError, isTlsFault, type BrokerErrorOptions, type ErrorCode } from '@busbar/core/driver'

/** For texts and the `driver` field of errors. */
export const driverName = 'amqp'

/** Makes an error of this driver. */
export function amqpError(code: ErrorCode, message: string, options: Omit<BrokerErrorOptions, 'driver'> = {}): BrokerError {
  return new BrokerError(code, message, { ...options, driver: driverName })
}

/** The code that the broker gave with a closed channel or connection (`404`); `undefined` for errors of the socket and of the client library. */
export function replyCodeOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown }
  if (typeof code === 'number') return code
  // During the handshake amqplib gives the code in the text only.
  const found = typeof message === 'string' ? /\b([2-5]\d\d) \([A-Z-]+\) with message/.exec(message) : null
  return found ? Number(found[1]) : undefined
}

/** Whether something is not there, as the broker says. */
export function isNotFound(error: unknown): boolean {
  return isBrokerError(error) && error.code === 'ERR_NOT_FOUND'
}

/** What the broker said, without the client library's words around it. */
export function replyTextOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return /with message "(.*)"/s.exec(message)?.[1] ?? message
}

/** Maps what amqplib, the socket or the broker threw. `doing` begins the text: `Declaring queue orders`. */
export function toBrokerError(error: unknown, doing: string): BrokerError {
  if (isBrokerError(error)) return error
  const replyCode = replyCodeOf(error)
  const text = textOf(error)
  const code = replyCode === undefined ? codeOfClientError(error) : codeOfReply(replyCode, text)
  return amqpError(code, `${doing}: ${text}`, { cause: error, retryable: retryable.has(code) })
}

const retryable: ReadonlySet<ErrorCode> = new Set(['ERR_UNAVAILABLE', 'ERR_THROTTLED', 'ERR_TIMEOUT', 'ERR_UNCONFIRMED'])

/** Reply codes of AMQP 0-9-1 as RabbitMQ uses them. Where a code covers several situations, the text decides. */
function codeOfReply(replyCode: number, text: string): ErrorCode {
  switch (replyCode) {
    case 311:
      return 'ERR_TOO_LARGE'
    case 312:
      return 'ERR_UNROUTABLE'
    case 402:
      return 'ERR_NOT_FOUND'
    case 404:
      return isOutOfReach(text) ? 'ERR_UNAVAILABLE' : 'ERR_NOT_FOUND'
    case 403:
      return 'ERR_ACCESS_DENIED'
    case 405:
      return 'ERR_CONFLICT'
    case 406:
      return codeOfPrecondition(text)
    case 530:
      return codeOfNotAllowed(text)
    case 540:
      return 'ERR_UNSUPPORTED'
    case 501:
    case 502:
    case 503:
    case 505:
      return 'ERR_INVALID'
    default:
      return 'ERR_UNAVAILABLE'
  }
}

/** The broker knows the queue and cannot get at it: its node is down, or another client is declaring it in this moment. */
export function isOutOfReach(text: string): boolean {
  return /home node .* is down or inaccessible/.test(text)
}

function codeOfPrecondition(text: string): ErrorCode {
  if (/inequivalent arg/.test(text)) return 'ERR_CONFLICT'
  if (/delivery acknowledgement|unknown delivery tag/.test(text)) return 'ERR_TOO_LATE'
  if (/message size/.test(text)) return 'ERR_TOO_LARGE'
  return 'ERR_INVALID'
}

function codeOfNotAllowed(text: string): ErrorCode {
  if (/vhost .* not found/.test(text)) return 'ERR_NOT_FOUND'
  if (/limit/.test(text)) return 'ERR_THROTTLED'
  if (/is down/.test(text)) return 'ERR_UNAVAILABLE'
  return 'ERR_ACCESS_DENIED'
}

function codeOfClientError(error: unknown): ErrorCode {
  const { code, message } = (error ?? {}) as { readonly code?: unknown; readonly message?: unknown }
  if (isTlsFault(code)) return 'ERR_CONFIGURATION'
  if (isVhostRefusal(message)) return 'ERR_NOT_FOUND'
  if (typeof message === 'string' && message.startsWith('SASL mechanism')) return 'ERR_CONFIGURATION'
  if (error instanceof RangeError || error instanceof TypeError) return 'ERR_INVALID'
  return 'ERR_UNAVAILABLE'
}

function textOf(error: unknown): string {
  const text = replyTextOf(error)
  // What OpenSSL says of an answer in clear text.
  if (text.includes('wrong version number')) return 'nothing speaks TLS at this address; check the port: 5671 for amqps, 5672 for amqp'
  return isVhostRefusal(text)
    ? 'the broker took the user but not the vhost: it does not exist, the user may not use it, or its limit of connections is reached'
    : text
}

// amqplib drops the broker's code and text when the vhost is refused.
function isVhostRefusal(message: unknown): boolean {
  return typeof message === 'string' && message.startsWith('Expected ConnectionOpenOk; got <ConnectionClose')
}
