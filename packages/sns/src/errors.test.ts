import { expect, it } from 'vitest'
import { errors } from './errors.ts'

function thrown(name: string, message = 'refused', httpStatusCode = 400): Error {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode } })
}

it.each([
  ['NotFoundException', 'Topic does not exist', 404, 'ERR_NOT_FOUND', false],
  ['AuthorizationErrorException', 'is not authorized to perform: SNS:Publish', 403, 'ERR_ACCESS_DENIED', false],
  ['AccessDenied', 'no', 403, 'ERR_ACCESS_DENIED', false],
  ['InvalidClientTokenId', 'no', 403, 'ERR_ACCESS_DENIED', false],
  ['InvalidParameterException', 'Invalid parameter: Message too long', 400, 'ERR_TOO_LARGE', false],
  ['InvalidParameterException', 'Invalid parameter: Subject', 400, 'ERR_INVALID', false],
  ['InvalidParameterValueException', 'type', 400, 'ERR_INVALID', false],
  ['ParameterValueInvalid', 'attribute', 400, 'ERR_INVALID', false],
  ['BatchRequestTooLongException', 'sum', 400, 'ERR_TOO_LARGE', false],
  ['ThrottledException', 'slow down', 429, 'ERR_THROTTLED', true],
  ['ThrottlingException', 'slow down', 400, 'ERR_THROTTLED', true],
  ['KMSThrottlingException', 'slow down', 400, 'ERR_THROTTLED', true],
  ['KMSAccessDeniedException', 'key', 400, 'ERR_CONFIGURATION', false],
  ['KMSDisabledException', 'key', 400, 'ERR_CONFIGURATION', false],
  ['EndpointDisabledException', 'off', 400, 'ERR_UNROUTABLE', false],
  ['OptedOutException', 'phone', 400, 'ERR_UNROUTABLE', false],
  ['FilterPolicyLimitExceededException', 'too many', 403, 'ERR_CONFLICT', false],
  ['SubscriptionLimitExceededException', 'too many', 403, 'ERR_CONFLICT', false],
  ['InternalErrorException', 'oops', 500, 'ERR_UNAVAILABLE', true],
  ['ServiceUnavailable', 'oops', 503, 'ERR_UNAVAILABLE', true],
  ['NobodyKnows', 'oops', 502, 'ERR_UNAVAILABLE', true],
  ['NobodyKnows', 'bad', 400, 'ERR_INVALID', false],
])('maps %s (%s, %i) to %s', (name, text, status, code, retryable) => {
  expect(errors.toBrokerError(thrown(name, text, status), 'Publishing to topic orders')).toMatchObject({
    code,
    retryable,
    driver: 'sns',
    message: `Publishing to topic orders: ${text}`,
  })
})

it('maps an entry that failed by its code, and one with an unknown code by whose fault it is', () => {
  const codes = [
    { Code: 'InternalError', SenderFault: false },
    { Code: 'InvalidParameter', Message: 'Invalid parameter: Message too long', SenderFault: true },
    { Code: 'ParameterValueInvalid', SenderFault: true },
    { Code: 'New', SenderFault: false },
    { Code: 'New', SenderFault: true },
  ].map((entry) => errors.entryError(entry, 'Publishing').code)
  expect(codes).toEqual(['ERR_UNAVAILABLE', 'ERR_TOO_LARGE', 'ERR_INVALID', 'ERR_UNAVAILABLE', 'ERR_INVALID'])
})
