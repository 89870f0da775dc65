import { expect, it } from 'vitest'
import { isNotDone } from './aws-errors.ts'
import { entryError, toBrokerError } from './errors.ts'
import { serviceError } from './test-support/fake-sqs.ts'

function native(code: string): Error {
  return Object.assign(new Error(`${code} happened`), { code })
}

it.each([
  ['QueueDoesNotExist', 'gone', 'ERR_NOT_FOUND', false],
  ['QueueDeletedRecently', 'wait 60 seconds', 'ERR_CONFLICT', true],
  ['QueueNameExists', 'with other attributes', 'ERR_CONFLICT', false],
  ['OverLimit', 'in flight', 'ERR_THROTTLED', true],
  ['RequestThrottled', 'slow down', 'ERR_THROTTLED', true],
  ['ThrottlingException', 'slow down', 'ERR_THROTTLED', true],
  ['KmsThrottled', 'slow down', 'ERR_THROTTLED', true],
  ['KmsDisabled', 'key', 'ERR_CONFIGURATION', false],
  ['PurgeQueueInProgress', 'wait', 'ERR_THROTTLED', true],
  ['ReceiptHandleIsInvalid', 'malformed', 'ERR_TOO_LATE', false],
  ['MessageNotInflight', 'not in flight', 'ERR_TOO_LATE', false],
  ['InvalidParameterValue', 'Value x for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.', 'ERR_TOO_LATE', false],
  ['InvalidParameterValue', 'Reason: Message does not exist or is not available for visibility timeout change.', 'ERR_TOO_LATE', false],
  ['InvalidParameterValue', 'One or more parameters are invalid. Reason: Message must be shorter than 1048576 bytes.', 'ERR_TOO_LARGE', false],
  ['InvalidParameterValue', 'Value 901 for parameter DelaySeconds is invalid.', 'ERR_INVALID', false],
  ['MissingParameter', 'The request must contain the parameter MessageGroupId.', 'ERR_INVALID', false],
  ['BatchRequestTooLong', 'sum', 'ERR_TOO_LARGE', false],
  ['InvalidMessageContents', 'characters', 'ERR_INVALID', false],
  ['AccessDeniedException', 'no', 'ERR_ACCESS_DENIED', false],
  ['InvalidSecurity', 'no', 'ERR_ACCESS_DENIED', false],
  ['InvalidClientTokenId', 'no', 'ERR_ACCESS_DENIED', false],
  ['UnsupportedOperation', 'no', 'ERR_UNSUPPORTED', false],
  ['InternalFailure', 'oops', 'ERR_UNAVAILABLE', true],
  ['ServiceUnavailable', 'oops', 'ERR_UNAVAILABLE', true],
])('maps %s (%s) to %s, with and without the prefix of the query protocol', (name, text, code, retryable) => {
  for (const prefix of ['', 'AWS.SimpleQueueService.']) {
    expect(toBrokerError(serviceError(prefix + name, text), 'Sending to orders')).toMatchObject({
      code,
      retryable,
      driver: 'sqs',
      message: `Sending to orders: ${text}`,
    })
  }
})

it.each([
  [serviceError('SomethingNew', 'oops', 503), 'ERR_UNAVAILABLE', true],
  [serviceError('SomethingNew', 'no', 403), 'ERR_ACCESS_DENIED', false],
  [serviceError('SomethingNew', 'slow', 429), 'ERR_THROTTLED', true],
  [serviceError('SomethingNew', 'bad', 400), 'ERR_INVALID', false],
  [native('ECONNRESET'), 'ERR_UNAVAILABLE', true],
  [native('ECONNREFUSED'), 'ERR_UNAVAILABLE', true],
  [native('DEPTH_ZERO_SELF_SIGNED_CERT'), 'ERR_CONFIGURATION', false],
  [Object.assign(new Error('Could not load credentials from any providers'), { name: 'CredentialsProviderError' }), 'ERR_CONFIGURATION', false],
])('maps %s to %s', (error, code, retryable) => {
  expect(toBrokerError(error, 'Sending')).toMatchObject({ code, retryable })
})

it('takes a refusal for one that passes after which the SDK has set its clock by the answer', () => {
  const refused = (clockSkewCorrected: boolean): Error =>
    Object.assign(new Error('Signature expired'), { name: 'SignatureDoesNotMatch', $metadata: { httpStatusCode: 403, clockSkewCorrected } })
  expect(toBrokerError(refused(true), 'Sending')).toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: true })
  expect(toBrokerError(refused(false), 'Sending')).toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: false })
})

it('knows what is certainly not done: what was refused, and what never reached the service', () => {
  const failures = [
    serviceError('InvalidParameterValue'),
    native('ECONNREFUSED'),
    native('ENOTFOUND'),
    serviceError('InternalFailure', 'oops', 500),
    native('ECONNRESET'),
  ]
  expect(failures.map((error) => isNotDone(toBrokerError(error, 'Sending')))).toEqual([true, true, true, false, false])
})

it('maps an entry that failed by its code, and one with an unknown code by whose fault it is', () => {
  const codes = [
    { Code: 'InternalError', SenderFault: false },
    { Code: 'New', SenderFault: false },
    { Code: 'New', SenderFault: true },
    { Code: 'InvalidMessageContents', SenderFault: true },
    { Code: 'AWS.SimpleQueueService.MessageNotInflight', SenderFault: true },
  ].map((entry) => entryError(entry, 'Sending').code)
  expect(codes).toEqual(['ERR_UNAVAILABLE', 'ERR_UNAVAILABLE', 'ERR_INVALID', 'ERR_INVALID', 'ERR_TOO_LATE'])
})
