import { BrokerError, isBrokerError, isTlsFault, type BrokerErrorOptions, type ErrorCode } from '@busbar/core/driver'

/** For texts and the `driver` field of errors. */
export const driverName = 'kinesis'

/** Makes an error of this driver. */
export function kinesisError(code: ErrorCode, message: string, options: Omit<BrokerErrorOptions, 'driver'> = {}): BrokerError {
  return new BrokerError(code, message, { ...options, driver: driverName })
}

export function configuration(message: string): BrokerError {
  return kinesisError('ERR_CONFIGURATION', message)
}

/** What the SDK, the socket or the service may have thrown. */
interface NativeError {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean }
}

/** Maps what the SDK or the service threw. `doing` begins the text: `Sending to stream positions`. */
export function toBrokerError(error: unknown, doing: string): BrokerError {
  if (isBrokerError(error)) return error
  const { name: givenName, message, code, $metadata } = (error ?? {}) as NativeError
  const name = typeof givenName === 'string' ? givenName : ''
  const text = typeof message === 'string' && message !== '' ? message : name || String(error)
  const kind = codeOf(name, $metadata?.httpStatusCode) ?? codeOfClientError(name, code)
  // A stream that changes can be used again when it has changed. And where this machine's clock is wrong, the SDK signs with the time of the answer from now on.
  const retryable = name === 'ResourceInUseException' || $metadata?.clockSkewCorrected === true
  return kinesisError(kind, `${doing}: ${text}`, { cause: error, ...(retryable && { retryable }) })
}

/** Maps what the answer says of one record. */
export function recordError(code: string, message: string | undefined, doing: string): BrokerError {
  return kinesisError(codeOf(code, undefined) ?? 'ERR_UNAVAILABLE', `${doing}: ${message ?? code}`)
}

/** Is a stream or shard asked for more than it takes? */
export function isThrottle(name: string): boolean {
  return codes[name] === 'ERR_THROTTLED' || /throttl/i.test(name)
}

/** Has the service answered, so that what it refused is certainly not done? False for 5xx answers and for everything that happened on the way. */
export function isRefusal(error: unknown): boolean {
  const status = ((error ?? {}) as NativeError).$metadata?.httpStatusCode
  return (status !== undefined && status >= 400 && status < 500) || isUnreached(error)
}

/** Does the service know the credentials, and their time is over? */
export function isExpiredToken({ cause }: BrokerError): boolean {
  const { name } = (cause ?? {}) as NativeError
  return typeof name === 'string' && name.startsWith('ExpiredToken')
}

/** The request cannot have reached the service. */
function isUnreached(error: unknown): boolean {
  const { code, name } = (error ?? {}) as NativeError
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || name === 'CredentialsProviderError'
}

function codeOf(name: string, status: number | undefined): ErrorCode | undefined {
  if (Object.hasOwn(codes, name)) return codes[name]
  if (isThrottle(name)) return 'ERR_THROTTLED'
  if (name.startsWith('KMS')) return 'ERR_CONFIGURATION'
  if (
    /^AccessDenied|UnrecognizedClient|InvalidClientTokenId|InvalidSignature|SignatureDoesNotMatch|ExpiredToken|IncompleteSignature|MissingAuthenticationToken|NotAuthorized/.test(
      name,
    )
  )
    return 'ERR_ACCESS_DENIED'
  if (status === undefined) return undefined
  if (status >= 500) return 'ERR_UNAVAILABLE'
  if (status === 429) return 'ERR_THROTTLED'
  if (status === 403) return 'ERR_ACCESS_DENIED'
  return status >= 400 ? 'ERR_INVALID' : undefined
}

const codes: Readonly<Record<string, ErrorCode>> = {
  ResourceNotFoundException: 'ERR_NOT_FOUND',
  ResourceInUseException: 'ERR_CONFLICT',
  ProvisionedThroughputExceededException: 'ERR_THROTTLED',
  LimitExceededException: 'ERR_THROTTLED',
  KMSThrottlingException: 'ERR_THROTTLED',
  KMSAccessDeniedException: 'ERR_ACCESS_DENIED',
  InvalidArgumentException: 'ERR_INVALID',
  ValidationException: 'ERR_INVALID',
  SerializationException: 'ERR_INVALID',
  UnknownOperationException: 'ERR_UNSUPPORTED',
  InternalFailure: 'ERR_UNAVAILABLE',
  InternalFailureException: 'ERR_UNAVAILABLE',
  ServiceUnavailable: 'ERR_UNAVAILABLE',
}

function codeOfClientError(name: string, code: unknown): ErrorCode {
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') return 'ERR_CONFIGURATION'
  if (isTlsFault(code)) return 'ERR_CONFIGURATION'
  return 'ERR_UNAVAILABLE'
}
