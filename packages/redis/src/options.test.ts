import { describe, expect, it } from 'vitest'
import { resolveOptions, type RedisStoreOptions } from './options.ts'

const client = Object.fromEntries(['evalsha', 'eval', 'scan', 'connect', 'disconnect', 'on', 'removeListener'].map((name) => [name, () => {}]))

describe('options', () => {
  it('have defaults', () => {
    expect(resolveOptions({ url: 'redis://localhost' })).toMatchObject({
      prefix: 'busbar:claim:',
      timeoutMs: 5_000,
      fenceMemoryMs: 600_000,
      source: { kind: 'server', addresses: [{ secure: false, host: 'localhost', port: 6379, username: undefined, password: undefined, database: 0 }] },
    })
  })

  it('take user, password, port and database from the URL', () => {
    const { source } = resolveOptions({ url: 'rediss://user:p%40ss%20word@redis.example:7000/3' })
    expect(source).toMatchObject({ addresses: [{ secure: true, host: 'redis.example', port: 7000, username: 'user', password: 'p@ss word', database: 3 }] })
    expect(resolveOptions({ cluster: ['redis://[::1]:7000', 'redis://127.0.0.1:7001'] }).source).toMatchObject({
      kind: 'cluster',
      addresses: [{ host: '::1' }, { port: 7001 }],
    })
  })

  it('take a client, or a function that makes one', () => {
    expect(resolveOptions({ client: client as never }).source).toEqual({ kind: 'client', client })
    const make = (): never => client as never
    expect(resolveOptions({ client: make }).source).toEqual({ kind: 'factory', make })
  })

  it.each([
    [{}, "exactly one of the options 'client', 'url', 'cluster' is needed"],
    [{ url: 'redis://localhost', client }, "exactly one of the options 'client', 'url', 'cluster' is needed"],
    [{ client: {} }, "option 'client' must be a client of ioredis"],
    [{ url: 'redis://redis.example' }, 'plain redis:// to redis.example would send passwords and values in clear text'],
    [{ url: 'http://localhost' }, "the scheme in option 'url' is not known"],
    [{ url: 'no url' }, "option 'url' is not a URL"],
    [{ url: 'redis://localhost?db=1' }, "option 'url' takes no parameters"],
    [{ url: 'redis://localhost/one' }, "the path in option 'url' must be the number of a database"],
    [{ url: 'redis://:%zz@localhost' }, "option 'url' holds a malformed percent sequence"],
    [{ cluster: ['redis://localhost', 'rediss://redis.example'] }, "the URLs in option 'cluster' must all begin with rediss://, or all with redis://"],
    [{ cluster: ['redis://localhost', 'redis://localhost:7001/1'] }, "option 'cluster' names a database, and a cluster has none but 0"],
    [{ cluster: [] }, "option 'cluster' must be a list of URLs"],
    [{ url: 'redis://localhost', timeoutMs: 99 }, "option 'timeoutMs' must be a whole number from 100 to 60000"],
    [{ url: 'redis://localhost', timeoutMs: 60_001 }, "option 'timeoutMs' must be a whole number from 100 to 60000"],
    [{ url: 'redis://localhost', fenceMemoryMs: 0 }, "option 'fenceMemoryMs' must be a whole number from 1000 to 86400000"],
    [{ url: 'redis://localhost', prefix: '' }, "option 'prefix' must be a text of 1 to 256 characters"],
    [{ url: 'redis://localhost', prefx: 'x' }, "redis: unknown option 'prefx'; did you mean 'prefix'?"],
    [{ url: 'rediss://localhost', tls: { cacert: 'x' } }, "redis: tls: unknown option 'cacert'"],
  ])('case %# is refused', (options, text) => {
    expect(() => resolveOptions(options as unknown as RedisStoreOptions)).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.stringContaining(text) }),
    )
  })

  it('never show a password', () => {
    for (const url of ['redis://:s3cret@redis.example', 'redis://:s3cret@localhost/x', 'ftp://:s3cret@localhost', 's3cret://', ':s3cret'])
      expect(() => resolveOptions({ url })).toThrow(expect.objectContaining({ message: expect.not.stringContaining('s3cret') }))
  })
})
