import { expect, it } from 'vitest'
import { isNotDone } from './api.ts'
import { recordError, toBrokerError } from './errors.ts'
import { serviceError } from './test-support/fake-kinesis.ts'

function native(code: string): Error {
  return Object.assign(new Error(`${code} happened`), { code })
}

it.each([
  ['ResourceNotFoundException', 400, 'ERR_NOT_FOUND', false],
  ['ResourceInUseException', 400, 'ERR_CONFLICT', true],
  ['ProvisionedThroughputExceededException', 400, 'ERR_THROTTLED', true],
  ['LimitExceededException', 400, 'ERR_THROTTLED', true],
  ['ThrottlingException', 400, 'ERR_THROTTLED', true],
  ['KMSThrottlingException', 400, 'ERR_THROTTLED', true],
  ['KMSAccessDeniedException', 400, 'ERR_ACCESS_DENIED', false],
  ['KMSDisabledException', 400, 'ERR_CONFIGURATION', false],
  ['KMSNotFoundException', 400, 'ERR_CONFIGURATION', false],
  ['InvalidArgumentException', 400, 'ERR_INVALID', false],
  ['ValidationException', 400, 'ERR_INVALID', false],
  ['SerializationException', 400, 'ERR_INVALID', false],
  ['UnknownOperationException', 400, 'ERR_UNSUPPORTED', false],
  ['AccessDeniedException', 400, 'ERR_ACCESS_DENIED', false],
  ['UnrecognizedClientException', 400, 'ERR_ACCESS_DENIED', false],
  ['InvalidSignatureException', 400, 'ERR_ACCESS_DENIED', false],
  ['ExpiredTokenException', 403, 'ERR_ACCESS_DENIED', false],
  ['InternalFailureException', 500, 'ERR_UNAVAILABLE', true],
  ['SomethingNew', 503, 'ERR_UNAVAILABLE', true],
  ['constructor', 500, 'ERR_UNAVAILABLE', true],
  ['SomethingNew', 429, 'ERR_THROTTLED', true],
  ['SomethingNew', 403, 'ERR_ACCESS_DENIED', false],
  ['SomethingNew', 400, 'ERR_INVALID', false],
])('maps %s with %i to %s, retryable: %s', (name, status, code, retryable) => {
  const cause = serviceError(name, 'because', status)
  expect(toBrokerError(cause, 'Sending to stream positions')).toMatchObject({
    code,
    retryable,
    driver: 'kinesis',
    cause,
    message: 'Sending to stream positions: because',
  })
})

it.each([
  ['ECONNREFUSED', 'ERR_UNAVAILABLE'],
  ['ECONNRESET', 'ERR_UNAVAILABLE'],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', 'ERR_CONFIGURATION'],
])('maps the socket error %s to %s', (code, expected) => {
  expect(toBrokerError(native(code), 'x').code).toBe(expected)
})

it('takes missing credentials for a mistake in the configuration', () => {
  expect(toBrokerError(Object.assign(new Error('none'), { name: 'CredentialsProviderError' }), 'x').code).toBe('ERR_CONFIGURATION')
})

it('takes a refusal for one that passes after which the SDK has set its clock by the answer', () => {
  const refused = (clockSkewCorrected: boolean): Error =>
    Object.assign(new Error('Signature expired'), { name: 'InvalidSignatureException', $metadata: { httpStatusCode: 400, clockSkewCorrected } })
  expect(toBrokerError(refused(true), 'x')).toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: true })
  expect(toBrokerError(refused(false), 'x')).toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: false })
})

it('survives what is no error', () => {
  for (const thrown of [undefined, null, 'text', 7, {}]) expect(toBrokerError(thrown, 'x').code).toBe('ERR_UNAVAILABLE')
})

it('maps what the answer says of one record', () => {
  expect(recordError('InternalFailure', undefined, 'x')).toMatchObject({ code: 'ERR_UNAVAILABLE', message: 'x: InternalFailure' })
  expect(recordError('SomethingNew', 'text', 'x')).toMatchObject({ code: 'ERR_UNAVAILABLE', message: 'x: text' })
})

it('knows what is certainly not done', () => {
  for (const error of [
    serviceError('ValidationException'),
    native('ECONNREFUSED'),
    native('ENOTFOUND'),
    toBrokerError(serviceError('ValidationException'), 'x'),
  ])
    expect(isNotDone(error)).toBe(true)
  for (const error of [serviceError('InternalFailure', 'x', 500), native('ECONNRESET'), new Error('timeout')]) expect(isNotDone(error)).toBe(false)
})
