import { describe, expect, it } from 'vitest'
import {
  circuitBreaker,
  claimCheck,
  claimFetch,
  compression,
  concurrencyLimit,
  decompression,
  decryption,
  encryption,
  fileStore,
  idempotency,
  localKeys,
  rateLimit,
  retry,
  s3Store,
  sendOnce,
  timeout,
} from '../index.ts'

/** Everything that takes an object of options. */
const factories = {
  retry,
  timeout,
  rateLimit,
  concurrencyLimit,
  circuitBreaker,
  idempotency,
  sendOnce,
  compression,
  decompression,
  encryption,
  decryption,
  localKeys,
  claimCheck,
  claimFetch,
  fileStore,
  s3Store,
}

describe.each(Object.entries(factories))('the options of %s', (name, factory) => {
  const make = factory as unknown as (options?: unknown) => unknown

  it.each([
    [null, 'null'],
    ['text', 'string'],
    [5, 'number'],
    [[], 'an array'],
    [() => {}, 'function'],
  ])('must be an object: %j', (options, kind) => {
    expect(() => make(options)).toThrow(new TypeError(`${name}: options must be an object, not ${kind}`))
  })

  it('are not what a chain calls it with: then it was not called to make a middleware', () => {
    expect(() => make({ capabilities: {}, clock: {}, attempt: 1 })).toThrow(
      new TypeError(`${name}: in use there must be what ${name}({ … }) returns, not ${name} itself`),
    )
  })

  it('may be left out only where all of them have a default', () => {
    if (['retry', 'compression', 'decompression'].includes(name)) expect(make()).toMatchObject({ name })
    else expect(() => make()).toThrow(new TypeError(`${name}: options must be an object, not undefined`))
  })
})
