import { BrokerError, isBrokerError, type BrokerErrorOptions, type ErrorCode } from '@busbar/core/driver'

/** For texts and the `driver` field of errors. */
export const driverName = 'sqs'

/** Makes an error of this driver. */
export function sqsError(code: ErrorCode, message: string, options: Omit<BrokerErrorOptions, 'driver'> = {}): BrokerError {
  return new BrokerError(code, message, { ...options, driver: driverName })
}

export function configuration(message: string): BrokerError {
  return sqsError('ERR_CONFIGURATION', message)
}

/** What the SDK, the socket or the service may have thrown. */
interface NativeError {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** Maps what the SDK or the service threw. `doing` begins the text: `Sending to orders`. */
export function toBrokerError(error: unknown, doing: string): BrokerError {
  if (isBrokerError(error)) return error
  const { name: givenName, message, code, $metadata } = (error ?? {}) as NativeError
  const name = typeof givenName === 'string' ? givenName : ''
  const text = typeof message === 'string' && message !== '' ? message : name || String(error)
  const kind = codeOf(name, text, $metadata?.httpStatusCode) ?? codeOfClientError(name, code)
  // After a minute the name is free.
  const retryable = name.endsWith('QueueDeletedRecently')
  return sqsError(kind, `${doing}: ${text}`, { cause: error, ...(retryable && { retryable }) })
}

/** Maps one entry of `Failed` in the answer to a batch. `SenderFault` tells whether the same entry may succeed later. */
export function entryError(
  entry: { readonly Code?: string | undefined; readonly Message?: string | undefined; readonly SenderFault?: boolean | undefined },
  doing: string,
): BrokerError {
  const text = entry.Message ?? entry.Code ?? 'no reason was given'
  const code = codeOf(entry.Code ?? '', text, undefined) ?? (entry.SenderFault === true ? 'ERR_INVALID' : 'ERR_UNAVAILABLE')
  return sqsError(code, `${doing}: ${text}`)
}

/** Has the service answered, so that what it refused is certainly not done? False for 5xx answers and for everything that happened on the way. */
export function isRefusal(error: unknown): boolean {
  const status = ((error ?? {}) as NativeError).$metadata?.httpStatusCode
  return (status !== undefined && status >= 400 && status < 500) || isUnreached(error)
}

/** The request cannot have reached the service. */
function isUnreached(error: unknown): boolean {
  const { code, name } = (error ?? {}) as NativeError
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || name === 'CredentialsProviderError'
}

/**
 * Codes by the names of errors, with and without the prefix of the query protocol, which some servers send for modelled errors too.
 * Names that the service uses for several situations are told apart by the text.
 */
function codeOf(prefixedName: string, text: string, status: number | undefined): ErrorCode | undefined {
  const name = prefixedName.replace(/^AWS\.SimpleQueueService\./, '')
  const known = codes[name]
  if (known !== undefined) return known
  if (name === 'InvalidParameterValue' || name === 'MissingParameter') return codeOfParameter(text)
  if (/throttl/i.test(name)) return 'ERR_THROTTLED'
  if (/^(Kms|KMS\.)/.test(name)) return 'ERR_CONFIGURATION'
  if (/^AccessDenied|UnrecognizedClient|InvalidClientTokenId|SignatureDoesNotMatch|ExpiredToken|InvalidSecurity|AuthFailure|NotAuthorized/.test(name))
    return 'ERR_ACCESS_DENIED'
  if (status === undefined) return undefined
  if (status >= 500) return 'ERR_UNAVAILABLE'
  if (status === 429) return 'ERR_THROTTLED'
  if (status === 403) return 'ERR_ACCESS_DENIED'
  return status >= 400 ? 'ERR_INVALID' : undefined
}

const codes: Readonly<Record<string, ErrorCode>> = {
  QueueDoesNotExist: 'ERR_NOT_FOUND',
  NonExistentQueue: 'ERR_NOT_FOUND',
  ResourceNotFoundException: 'ERR_NOT_FOUND',
  QueueDeletedRecently: 'ERR_CONFLICT',
  QueueNameExists: 'ERR_CONFLICT',
  QueueAlreadyExists: 'ERR_CONFLICT',
  PurgeQueueInProgress: 'ERR_THROTTLED',
  OverLimit: 'ERR_THROTTLED',
  RequestThrottled: 'ERR_THROTTLED',
  TooManyRequestsException: 'ERR_THROTTLED',
  ReceiptHandleIsInvalid: 'ERR_TOO_LATE',
  MessageNotInflight: 'ERR_TOO_LATE',
  BatchRequestTooLong: 'ERR_TOO_LARGE',
  TooManyEntriesInBatchRequest: 'ERR_INVALID',
  EmptyBatchRequest: 'ERR_INVALID',
  BatchEntryIdsNotDistinct: 'ERR_INVALID',
  InvalidBatchEntryId: 'ERR_INVALID',
  InvalidMessageContents: 'ERR_INVALID',
  InvalidAttributeName: 'ERR_INVALID',
  InvalidAttributeValue: 'ERR_INVALID',
  InvalidAddress: 'ERR_NOT_FOUND',
  UnsupportedOperation: 'ERR_UNSUPPORTED',
  InvalidAction: 'ERR_UNSUPPORTED',
  InternalFailure: 'ERR_UNAVAILABLE',
  InternalError: 'ERR_UNAVAILABLE',
  InternalServerError: 'ERR_UNAVAILABLE',
  ServiceUnavailable: 'ERR_UNAVAILABLE',
}

function codeOfParameter(text: string): ErrorCode {
  if (/already a task running/i.test(text)) return 'ERR_CONFLICT'
  if (/receipt handle has expired|not available for visibility timeout change/i.test(text)) return 'ERR_TOO_LATE'
  return /must be shorter than/i.test(text) ? 'ERR_TOO_LARGE' : 'ERR_INVALID'
}

function codeOfClientError(name: string, code: unknown): ErrorCode {
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') return 'ERR_CONFIGURATION'
  if (typeof code === 'string' && /CERT|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|EPROTO|HOSTNAME/.test(code)) return 'ERR_CONFIGURATION'
  return 'ERR_UNAVAILABLE'
}
