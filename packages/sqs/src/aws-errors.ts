import { BrokerError, isBrokerError, isTlsFault, type BrokerErrorOptions, type ErrorCode } from '@busbar/core/driver'

/** What is particular to the errors of one service of AWS. */
export interface ErrorNames {
  /** Name of the driver, for the field `driver` of errors. */
  readonly driver: string
  /** Codes by the names of errors, without prefix and without the ending `Exception`. */
  readonly codes: Readonly<Record<string, ErrorCode>>
  /** The code of a refused parameter, a name that stands for several situations: the text tells them apart. */
  codeOfParameter(text: string): ErrorCode
  /** Errors that pass by themselves, although their code is of those that do not. */
  passes?(name: string): boolean
}

/** An entry of `Failed` in the answer to a batch. */
export interface FailedEntry {
  readonly Id?: string | undefined
  readonly Code?: string | undefined
  readonly Message?: string | undefined
  /** `false`: the same entry may succeed later. */
  readonly SenderFault?: boolean | undefined
}

/** What the SDK, the socket or the service may have thrown. */
interface NativeError {
  readonly name?: unknown
  readonly code?: unknown
  readonly message?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean }
}

/** Makes the errors of one driver, and maps those of its service. */
export class ErrorMapper {
  readonly #names: ErrorNames

  constructor(names: ErrorNames) {
    this.#names = names
  }

  make(code: ErrorCode, message: string, options: Omit<BrokerErrorOptions, 'driver'> = {}): BrokerError {
    return new BrokerError(code, message, { ...options, driver: this.#names.driver })
  }

  /** Maps what the SDK or the service threw. `doing` begins the text: `Sending to orders`. */
  toBrokerError(error: unknown, doing: string): BrokerError {
    if (isBrokerError(error)) return error
    const { name: givenName, message, code, $metadata } = (error ?? {}) as NativeError
    const name = typeof givenName === 'string' ? givenName : ''
    const text = typeof message === 'string' && message !== '' ? message : name || String(error)
    const kind = this.#codeOf(name, text, $metadata?.httpStatusCode) ?? codeOfClientError(name, code)
    // This machine's clock is wrong, and the SDK signs with the time of the answer from now on.
    const retryable = this.#names.passes?.(name) === true || $metadata?.clockSkewCorrected === true
    return this.make(kind, `${doing}: ${text}`, { cause: error, ...(retryable && { retryable }) })
  }

  entryError({ Code, Message, SenderFault }: FailedEntry, doing: string): BrokerError {
    const text = Message ?? Code ?? 'no reason was given'
    const code = this.#codeOf(Code ?? '', text, undefined) ?? (SenderFault === true ? 'ERR_INVALID' : 'ERR_UNAVAILABLE')
    return this.make(code, `${doing}: ${text}`)
  }

  /** Names come with and without the prefix of the query protocol, which some servers send for modelled errors too. */
  #codeOf(givenName: string, text: string, status: number | undefined): ErrorCode | undefined {
    const name = givenName.replace(/^AWS\.SimpleQueueService\./, '').replace(/Exception$/, '')
    const { codes } = this.#names
    if (Object.hasOwn(codes, name)) return codes[name]
    if (/^(InvalidParameter|InvalidParameterValue|ParameterValueInvalid|MissingParameter)$/.test(name)) return this.#names.codeOfParameter(text)
    if (/throttl/i.test(name)) return 'ERR_THROTTLED'
    if (/^(Kms|KMS)/.test(name)) return 'ERR_CONFIGURATION'
    if (/^AccessDenied|UnrecognizedClient|InvalidClientTokenId|SignatureDoesNotMatch|ExpiredToken|InvalidSecurity|AuthFailure|NotAuthorized/.test(name))
      return 'ERR_ACCESS_DENIED'
    return status === undefined ? undefined : codeOfStatus(status)
  }
}

/** Has the service answered, so that what it refused is certainly not done? False for 5xx answers and for everything that happened on the way. */
export function isRefusal(error: unknown): boolean {
  const status = ((error ?? {}) as NativeError).$metadata?.httpStatusCode
  return (status !== undefined && status >= 400 && status < 500) || isUnreached(error)
}

/** Do the credentials only have to come back, or to be renewed, for the same call to succeed? What the service refuses to credentials that it knows is another matter. */
export function isIdentityAway({ cause }: BrokerError): boolean {
  const { name } = (cause ?? {}) as NativeError
  return typeof name === 'string' && /^(CredentialsProviderError|TokenProviderError|ExpiredToken)/.test(name)
}

/** Is what a call asked for certainly not done? */
export function isNotDone(error: unknown): boolean {
  return isRefusal(isBrokerError(error) ? error.cause : error)
}

/** The request cannot have reached the service. */
function isUnreached(error: unknown): boolean {
  const { code, name } = (error ?? {}) as NativeError
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN' || name === 'CredentialsProviderError'
}

function codeOfStatus(status: number): ErrorCode | undefined {
  if (status >= 500) return 'ERR_UNAVAILABLE'
  if (status === 429) return 'ERR_THROTTLED'
  if (status === 403) return 'ERR_ACCESS_DENIED'
  return status >= 400 ? 'ERR_INVALID' : undefined
}

function codeOfClientError(name: string, code: unknown): ErrorCode {
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') return 'ERR_CONFIGURATION'
  if (isTlsFault(code)) return 'ERR_CONFIGURATION'
  return 'ERR_UNAVAILABLE'
}
