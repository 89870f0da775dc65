import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { toBrokerError } from './errors.ts'

const named = (name: string, message = 'text', status?: number): Error => Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } })

describe('errors', () => {
  it.each([
    [named('ProvisionedThroughputExceededException', 'text', 400), 'ERR_THROTTLED', true],
    [named('ThrottlingException', 'text', 400), 'ERR_THROTTLED', true],
    [named('RequestLimitExceeded', 'text', 400), 'ERR_THROTTLED', true],
    [named('InternalServerError', 'text', 500), 'ERR_UNAVAILABLE', true],
    [named('ReplicatedWriteConflictException', 'text', 400), 'ERR_UNAVAILABLE', true],
    [named('ResourceNotFoundException', 'text', 400), 'ERR_NOT_FOUND', false],
    [named('AccessDeniedException', 'text', 400), 'ERR_ACCESS_DENIED', false],
    [named('ExpiredTokenException', 'text', 400), 'ERR_ACCESS_DENIED', false],
    [named('CredentialsProviderError'), 'ERR_CONFIGURATION', false],
    [new Error('Region is missing'), 'ERR_CONFIGURATION', false],
    [named('ValidationException', 'The provided key element does not match the schema', 400), 'ERR_CONFIGURATION', false],
    [named('ValidationException', 'Item size has exceeded the maximum allowed size', 400), 'ERR_TOO_LARGE', false],
    [named('ValidationException', 'anything', 400), 'ERR_INVALID', false],
    [named('constructor', 'text', 500), 'ERR_UNAVAILABLE', true],
    [Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'ERR_CONFIGURATION', false],
    [Object.assign(new Error(''), { code: 'ECONNREFUSED' }), 'ERR_UNAVAILABLE', true],
  ])('%s is %s', (error, code, retryable) => {
    expect(toBrokerError(error, 'claim', 'claims')).toMatchObject({ code, retryable, driver: 'dynamodb' })
  })

  it('are of those that pass where the SDK has set its clock by the answer', () => {
    const refused = (clockSkewCorrected: boolean): Error =>
      Object.assign(new Error('Signature expired'), { name: 'InvalidSignatureException', $metadata: { httpStatusCode: 400, clockSkewCorrected } })
    expect(toBrokerError(refused(true), 'claim', 'claims')).toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: true })
    expect(toBrokerError(refused(false), 'claim', 'claims')).toMatchObject({ retryable: false })
  })

  it('hold no item', () => {
    const error = Object.assign(named('ConditionalCheckFailedException'), { Item: { outcome: { S: 'secret' } } })
    expect(inspect(toBrokerError(error, 'claim', 'claims'), { depth: 9 })).not.toContain('secret')
  })
})
