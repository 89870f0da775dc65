import { BrokerError, isBrokerError, isTlsFault, type BrokerErrorOptions, type ErrorCode } from '@busbar/core/driver'

/** Makes an error of this store. */
export function dynamoError(code: ErrorCode, message: string, options: Omit<BrokerErrorOptions, 'driver'> = {}): BrokerError {
  return new BrokerError(code, `dynamodb: ${message}`, { ...options, driver: 'dynamodb' })
}

export function configuration(message: string): BrokerError {
  return dynamoError('ERR_CONFIGURATION', message)
}

/** What the SDK, the socket or the service may have thrown. */
interface NativeError {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean }
}

/** The `name` of what was thrown, `''` without one. */
export function nameOf(error: unknown): string {
  const { name } = (error ?? {}) as NativeError
  return typeof name === 'string' ? name : ''
}

/** Maps what the SDK or the service threw. `doing` begins the text: `claim`. The cause keeps the text alone, since the SDK's errors may carry items. */
export function toBrokerError(error: unknown, doing: string, table: string): BrokerError {
  if (isBrokerError(error)) return error
  const { message, code, $metadata } = (error ?? {}) as NativeError
  const name = nameOf(error)
  const text = typeof message === 'string' && message !== '' ? message : typeof code === 'string' ? code : name || String(error)
  const kind = codeOf(name, text, code, $metadata?.httpStatusCode)
  const remedy = kind === 'ERR_NOT_FOUND' ? `; there is no table '${table}' in this region: make it with store.createTable(), or set the option 'table'` : ''
  // This machine's clock is wrong, and the SDK signs with the time of the answer from now on.
  const retryable = $metadata?.clockSkewCorrected === true
  return dynamoError(kind, `${doing}: ${text}${remedy}`, { cause: new Error(text), ...(retryable && { retryable }) })
}

const codes: Readonly<Record<string, ErrorCode>> = {
  ResourceNotFoundException: 'ERR_NOT_FOUND',
  TableNotFoundException: 'ERR_NOT_FOUND',
  ResourceInUseException: 'ERR_CONFLICT',
  ProvisionedThroughputExceededException: 'ERR_THROTTLED',
  RequestLimitExceeded: 'ERR_THROTTLED',
  LimitExceededException: 'ERR_THROTTLED',
  TransactionConflictException: 'ERR_UNAVAILABLE',
  ReplicatedWriteConflictException: 'ERR_UNAVAILABLE',
  ItemCollectionSizeLimitExceededException: 'ERR_TOO_LARGE',
  UnknownOperationException: 'ERR_UNSUPPORTED',
  CredentialsProviderError: 'ERR_CONFIGURATION',
  TokenProviderError: 'ERR_CONFIGURATION',
}

const refusedLogin =
  /^AccessDenied|UnrecognizedClient|InvalidClientTokenId|SignatureDoesNotMatch|InvalidSignature|IncompleteSignature|ExpiredToken|MissingAuthenticationToken|NotAuthorized/

function codeOf(name: string, text: string, code: unknown, status: number | undefined): ErrorCode {
  const known = Object.hasOwn(codes, name) ? codes[name] : undefined
  if (known !== undefined) return known
  if (/throttl/i.test(name)) return 'ERR_THROTTLED'
  if (refusedLogin.test(name)) return 'ERR_ACCESS_DENIED'
  if (name === 'ValidationException') return codeOfValidation(text)
  if (text.startsWith('Region is missing')) return 'ERR_CONFIGURATION'
  if (isTlsFault(code)) return 'ERR_CONFIGURATION'
  if (status === undefined || status >= 500) return 'ERR_UNAVAILABLE'
  if (status === 429) return 'ERR_THROTTLED'
  if (status === 403) return 'ERR_ACCESS_DENIED'
  return status >= 400 ? 'ERR_INVALID' : 'ERR_UNAVAILABLE'
}

function codeOfValidation(text: string): ErrorCode {
  if (/key element|does not match the schema|Missing the key/i.test(text)) return 'ERR_CONFIGURATION'
  return /exceeded the maximum allowed size|size limit/i.test(text) ? 'ERR_TOO_LARGE' : 'ERR_INVALID'
}
