import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { redisError, toBrokerError } from './errors.ts'

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError', command: { name: 'auth', args: ['s3cret'] } })
}

describe('errors', () => {
  it.each([
    ['WRONGPASS invalid username-password pair or user is disabled.', 'ERR_ACCESS_DENIED', false],
    ['NOAUTH Authentication required.', 'ERR_ACCESS_DENIED', false],
    ["NOPERM this user has no permissions to run the 'evalsha' command", 'ERR_ACCESS_DENIED', false],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', 'ERR_CONFLICT', false],
    ['ERR Error running script: @user_script:4: WRONGTYPE Operation against a key holding the wrong kind of value', 'ERR_CONFLICT', false],
    ['BUSBAR-FOREIGN the key holds something that is not a claim', 'ERR_CONFLICT', false],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'ERR_THROTTLED', true],
    ['LOADING Redis is loading the dataset in memory', 'ERR_UNAVAILABLE', true],
    ["READONLY You can't write against a read only replica.", 'ERR_UNAVAILABLE', true],
    ['CLUSTERDOWN The cluster is down', 'ERR_UNAVAILABLE', true],
    ['MISCONF Redis is configured to save RDB snapshots, but it is currently unable to persist to disk.', 'ERR_UNAVAILABLE', true],
    ["ERR unknown command 'evalsha', with args beginning with: '5ffd'", 'ERR_CONFIGURATION', false],
    ['ERR value is not an integer or out of range', 'ERR_INVALID', false],
  ])('%s is %s', (message, code, retryable) => {
    const error = toBrokerError(reply(message), 'claim')
    expect(error).toMatchObject({ code, retryable, driver: 'redis', message: `redis: claim: ${message}` })
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('s3cret')
  })

  it('tells what a socket could not do, also where it has no words for it', () => {
    expect(toBrokerError(Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' }), 'claim')).toMatchObject({
      code: 'ERR_UNAVAILABLE',
      message: 'redis: claim: ECONNREFUSED',
    })
    expect(toBrokerError(Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }), 'claim').code).toBe('ERR_CONFIGURATION')
    const cluster = Object.assign(new Error('Failed to refresh slots cache.'), { lastNodeError: reply('WRONGPASS invalid') })
    expect(toBrokerError(cluster, 'claim')).toMatchObject({
      code: 'ERR_ACCESS_DENIED',
      message: 'redis: claim: Failed to refresh slots cache. WRONGPASS invalid',
    })
  })

  it('says in plain words that there is no TLS', () => {
    const error = Object.assign(new Error('401D:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:tlsany_meth.c:77:\n'), {
      code: 'ERR_SSL_WRONG_VERSION_NUMBER',
    })
    const message = 'redis: claim: nothing speaks TLS at this address; check the port, or use redis:// where it is plain'
    expect(toBrokerError(error, 'claim')).toMatchObject({ code: 'ERR_CONFIGURATION', message })
  })

  it('leaves its own errors as they are', () => {
    const error = redisError('ERR_CLOSED', 'closed')
    expect(toBrokerError(error, 'claim')).toBe(error)
  })
})
