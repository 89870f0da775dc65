/**
 * Every code that a {@link BrokerError} can carry. `docs/reference/errors.md` has one entry per code: cause, whether to retry, remedy.
 */
export type ErrorCode =
  | 'ERR_ACCESS_DENIED'
  | 'ERR_CLOSED'
  | 'ERR_CONFIGURATION'
  | 'ERR_CONFLICT'
  | 'ERR_INVALID'
  | 'ERR_NOT_FOUND'
  | 'ERR_ORDER'
  | 'ERR_THROTTLED'
  | 'ERR_TIMEOUT'
  | 'ERR_TOO_LARGE'
  | 'ERR_TOO_LATE'
  | 'ERR_UNAVAILABLE'
  | 'ERR_UNCONFIRMED'
  | 'ERR_UNDECODABLE'
  | 'ERR_UNROUTABLE'
  | 'ERR_UNSUPPORTED'

export interface BrokerErrorOptions {
  /** May the same call succeed later, unchanged? Default: true for `ERR_THROTTLED`, `ERR_UNAVAILABLE`, `ERR_TIMEOUT`, `ERR_UNCONFIRMED`, `ERR_ORDER`; else false. */
  readonly retryable?: boolean
  readonly driver?: string
  readonly destination?: string
  readonly messageId?: string
  readonly cause?: unknown
}

const brand = Symbol.for('busbar.error')

const retryableByDefault: ReadonlySet<ErrorCode> = new Set(['ERR_THROTTLED', 'ERR_UNAVAILABLE', 'ERR_TIMEOUT', 'ERR_UNCONFIRMED', 'ERR_ORDER'])

/** The one error class of Busbar. Misuse of the API is a plain `TypeError` or `RangeError`; an abort keeps the name `AbortError`. */
export class BrokerError extends Error {
  override readonly name: string = 'BrokerError'
  readonly code: ErrorCode
  readonly retryable: boolean
  readonly driver: string | undefined
  readonly destination: string | undefined
  readonly messageId: string | undefined

  constructor(code: ErrorCode, message: string, options: BrokerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retryable = options.retryable ?? retryableByDefault.has(code)
    this.driver = options.driver
    this.destination = options.destination
    this.messageId = options.messageId
    Object.defineProperty(this, brand, { value: true })
  }
}

/** Is `value` a {@link BrokerError}, of this or of another copy of the package? */
export function isBrokerError(value: unknown): value is BrokerError {
  return typeof value === 'object' && value !== null && brand in value
}
