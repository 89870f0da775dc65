import { expect, it } from 'vitest'
import { replyCodeOf, replyTextOf, toBrokerError } from './errors.ts'

function reply(code: number, text: string): Error {
  return Object.assign(new Error(`Operation failed: QueueDeclare; ${code} (NAME) with message "${text}"`), { code })
}

function native(code: string): Error {
  return Object.assign(new Error(`${code} happened`), { code })
}

it.each([
  [reply(311, 'too large'), 'ERR_TOO_LARGE', false],
  [reply(312, 'NO_ROUTE'), 'ERR_UNROUTABLE', false],
  [reply(320, 'CONNECTION_FORCED - shutdown'), 'ERR_UNAVAILABLE', true],
  [reply(403, 'ACCESS_REFUSED'), 'ERR_ACCESS_DENIED', false],
  [reply(404, "NOT_FOUND - no queue 'x'"), 'ERR_NOT_FOUND', false],
  [reply(404, "NOT_FOUND - home node 'a@b' of durable queue 'x' in vhost '/' is down or inaccessible"), 'ERR_UNAVAILABLE', true],
  [reply(405, 'RESOURCE_LOCKED'), 'ERR_CONFLICT', false],
  [reply(406, "PRECONDITION_FAILED - inequivalent arg 'durable'"), 'ERR_CONFLICT', false],
  [reply(406, 'PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out'), 'ERR_TOO_LATE', false],
  [reply(406, 'PRECONDITION_FAILED - unknown delivery tag 3'), 'ERR_TOO_LATE', false],
  [reply(406, 'PRECONDITION_FAILED - message size 20 is larger than configured max size 10'), 'ERR_TOO_LARGE', false],
  [reply(406, 'PRECONDITION_FAILED - invalid expiration'), 'ERR_INVALID', false],
  [reply(501, 'FRAME_ERROR'), 'ERR_INVALID', false],
  [reply(530, "NOT_ALLOWED - vhost 'x' not found"), 'ERR_NOT_FOUND', false],
  [reply(530, "NOT_ALLOWED - access to vhost 'x' refused"), 'ERR_ACCESS_DENIED', false],
  [reply(530, 'NOT_ALLOWED - connection limit (10) is reached'), 'ERR_THROTTLED', true],
  [reply(540, 'NOT_IMPLEMENTED'), 'ERR_UNSUPPORTED', false],
  [reply(541, 'INTERNAL_ERROR'), 'ERR_UNAVAILABLE', true],
  [new Error('Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused"'), 'ERR_ACCESS_DENIED', false],
  [new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>'), 'ERR_NOT_FOUND', false],
  [native('ECONNREFUSED'), 'ERR_UNAVAILABLE', true],
  [native('ECONNRESET'), 'ERR_UNAVAILABLE', true],
  [native('ENOTFOUND'), 'ERR_UNAVAILABLE', true],
  [native('DEPTH_ZERO_SELF_SIGNED_CERT'), 'ERR_CONFIGURATION', false],
  [native('ERR_TLS_CERT_ALTNAME_INVALID'), 'ERR_CONFIGURATION', false],
  [native('ERR_OSSL_PEM_NO_START_LINE'), 'ERR_CONFIGURATION', false],
  [new Error('connect ETIMEDOUT'), 'ERR_UNAVAILABLE', true],
  [new Error('Channel closed'), 'ERR_UNAVAILABLE', true],
  [new RangeError('Encoded field table exceeds'), 'ERR_INVALID', false],
])('maps %s to %s', (error, code, retryable) => {
  const mapped = toBrokerError(error, 'Doing')
  expect(mapped).toMatchObject({ code, retryable, driver: 'amqp', cause: error })
  expect(mapped.message).toMatch(/^Doing: /)
})

it('says in plain words that there is no TLS', () => {
  const error = Object.assign(new Error('401D:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:tlsany_meth.c:77:\n'), {
    code: 'ERR_SSL_WRONG_VERSION_NUMBER',
  })
  const message = 'Connecting: nothing speaks TLS at this address; check the port: 5671 for amqps, 5672 for amqp'
  expect(toBrokerError(error, 'Connecting')).toMatchObject({ code: 'ERR_CONFIGURATION', message, cause: error })
})

it('leaves its own errors alone', () => {
  const error = toBrokerError(new Error('x'), 'Doing')
  expect(toBrokerError(error, 'Again')).toBe(error)
})

it('finds the code and the words of the broker', () => {
  expect(replyCodeOf(native('ECONNRESET'))).toBeUndefined()
  expect(replyCodeOf(undefined)).toBeUndefined()
  expect(replyTextOf(reply(404, 'NOT_FOUND - no "x"'))).toBe('NOT_FOUND - no "x"')
})
