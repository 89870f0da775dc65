import { BrokerError, isBrokerError, isTlsFault, type BrokerErrorOptions, type ErrorCode } from '@busbar/core/driver'

/** For texts and the `driver` field of errors. */
export const driverName = 'mqtt'

/** Makes an error of this driver. */
export function mqttError(code: ErrorCode, message: string, options: Omit<BrokerErrorOptions, 'driver'> = {}): BrokerError {
  return new BrokerError(code, message, { ...options, driver: driverName })
}

export function configuration(message: string): BrokerError {
  return mqttError('ERR_CONFIGURATION', message)
}

/** Reason codes of MQTT 5 that are looked for by name. */
export const reasons = { noMatchingSubscribers: 0x10 } as const

interface Meaning {
  readonly code: ErrorCode
  readonly text: string
}

/** Return codes of CONNACK in MQTT 3.1.1. */
const returnCodes: ReadonlyMap<number, Meaning> = new Map([
  [1, { code: 'ERR_CONFIGURATION', text: "it does not speak this version of MQTT; set the driver's protocolVersion" }],
  [2, { code: 'ERR_CONFIGURATION', text: "it does not take the client id; set the driver's clientId" }],
  [3, { code: 'ERR_UNAVAILABLE', text: 'it is not ready' }],
  [4, { code: 'ERR_ACCESS_DENIED', text: 'it does not know the user and password' }],
  [5, { code: 'ERR_ACCESS_DENIED', text: 'the user may not connect' }],
])

/** Reason codes of MQTT 5, of all packets. */
const reasonCodes: ReadonlyMap<number, Meaning> = new Map([
  [0x80, { code: 'ERR_UNAVAILABLE', text: 'unspecified error' }],
  [0x81, { code: 'ERR_INVALID', text: 'malformed packet' }],
  [0x82, { code: 'ERR_INVALID', text: 'protocol error' }],
  [0x83, { code: 'ERR_UNAVAILABLE', text: 'error of the implementation' }],
  [0x84, { code: 'ERR_CONFIGURATION', text: "it does not speak MQTT 5; set the driver's protocolVersion to 4" }],
  [0x85, { code: 'ERR_CONFIGURATION', text: "it does not take the client id; set the driver's clientId" }],
  [0x86, { code: 'ERR_ACCESS_DENIED', text: 'it does not know the user and password' }],
  [0x87, { code: 'ERR_ACCESS_DENIED', text: 'not authorized' }],
  [0x88, { code: 'ERR_UNAVAILABLE', text: 'it is not ready' }],
  [0x89, { code: 'ERR_THROTTLED', text: 'it is busy' }],
  [0x8a, { code: 'ERR_ACCESS_DENIED', text: 'the client is banned' }],
  [0x8b, { code: 'ERR_UNAVAILABLE', text: 'it is shutting down' }],
  [0x8c, { code: 'ERR_CONFIGURATION', text: 'bad authentication method' }],
  [0x8d, { code: 'ERR_UNAVAILABLE', text: 'nothing was heard of us within the keep-alive time' }],
  [0x8e, { code: 'ERR_CONFLICT', text: 'another connection with the same client id has taken the session over' }],
  [0x8f, { code: 'ERR_INVALID', text: 'illegal topic filter' }],
  [0x90, { code: 'ERR_INVALID', text: 'illegal topic name' }],
  [0x91, { code: 'ERR_UNAVAILABLE', text: 'packet identifier in use' }],
  [0x92, { code: 'ERR_UNAVAILABLE', text: 'packet identifier not found' }],
  [0x93, { code: 'ERR_UNAVAILABLE', text: 'receive maximum exceeded' }],
  [0x95, { code: 'ERR_TOO_LARGE', text: 'packet too large' }],
  [0x96, { code: 'ERR_THROTTLED', text: 'message rate too high' }],
  [0x97, { code: 'ERR_THROTTLED', text: 'quota exceeded' }],
  [0x98, { code: 'ERR_UNAVAILABLE', text: 'closed by an administrator' }],
  [0x99, { code: 'ERR_INVALID', text: 'the payload is not of the format that it claims' }],
  [0x9a, { code: 'ERR_UNSUPPORTED', text: 'it keeps no retained messages' }],
  [0x9b, { code: 'ERR_UNSUPPORTED', text: 'it does not take this quality of service' }],
  [0x9c, { code: 'ERR_UNAVAILABLE', text: 'another server is to be used' }],
  [0x9d, { code: 'ERR_CONFIGURATION', text: 'the server has moved' }],
  [0x9e, { code: 'ERR_UNSUPPORTED', text: 'it has no shared subscriptions' }],
  [0x9f, { code: 'ERR_THROTTLED', text: 'connection rate exceeded' }],
  [0xa0, { code: 'ERR_UNAVAILABLE', text: 'maximum connect time exceeded' }],
  [0xa2, { code: 'ERR_UNSUPPORTED', text: 'it has no wildcard subscriptions' }],
])

/** An error for a reason code of 0x80 and above, or a return code of MQTT 3.1.1. `doing` begins the text: `Sending to topic orders`. */
export function refusedBy(reasonCode: number, doing: string, cause?: unknown): BrokerError {
  const meaning = (reasonCode < 0x80 ? returnCodes : reasonCodes).get(reasonCode)
  const shown = `code ${reasonCode}`
  if (meaning === undefined) return mqttError('ERR_UNAVAILABLE', `${doing}: the broker refused it (${shown})`, { cause })
  return mqttError(meaning.code, `${doing}: the broker refused it, ${meaning.text} (${shown})`, { cause })
}

/** The code that the client library put on an error of the broker; `undefined` for errors of the socket and of the library. */
export function reasonCodeOf(error: unknown): number | undefined {
  const code: unknown = typeof error === 'object' && error !== null ? (error as { readonly code?: unknown }).code : undefined
  return typeof code === 'number' && code > 0 ? code : undefined
}

/** Maps what the client library, the socket or the broker threw. */
export function toBrokerError(error: unknown, doing: string): BrokerError {
  if (isBrokerError(error)) return error
  const reasonCode = reasonCodeOf(error)
  if (reasonCode !== undefined) return refusedBy(reasonCode, doing, error)
  return mqttError(codeOfClientError(error), `${doing}: ${textOf(error)}`, { cause: error })
}

function textOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  // What OpenSSL says of an answer in clear text.
  return text.includes('wrong version number') ? 'nothing speaks TLS at this address; check the port: 8883 for mqtts, 443 for wss' : text
}

function codeOfClientError(error: unknown): ErrorCode {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  if (isTlsFault(code)) return 'ERR_CONFIGURATION'
  if (error instanceof RangeError || error instanceof TypeError) return 'ERR_INVALID'
  return 'ERR_UNAVAILABLE'
}
