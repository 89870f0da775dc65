import { describe, expect, it } from 'vitest'
import { assertKnownKeys, nearest, suggestion } from './nearest.ts'

const options = ['concurrency', 'maxInFlight', 'maxInFlightBytes', 'use', 'signal']

describe('nearest', () => {
  it.each([
    ['concurency', 'concurrency'],
    ['CONCURRENCY', 'concurrency'],
    ['maxInflight', 'maxInFlight'],
    ['maxInFlightByte', 'maxInFlightBytes'],
    ['sue', 'use'],
    ['singal', 'signal'],
  ])('takes %s for %s', (word, expected) => {
    expect(nearest(word, options)).toBe(expected)
  })

  it.each(['', 'retries', 'x', 'zzz', 'concurrency'.repeat(100)])('has no candidate for %j', (word) => {
    expect(nearest(word, options)).toBeUndefined()
  })

  it('prefers the nearest, then the first', () => {
    expect(nearest('ordrs', ['orders2', 'orders'])).toBe('orders')
    expect(nearest('sxs', ['sns', 'sqs'])).toBe('sns')
  })
})

describe('suggestion', () => {
  it('lists what is known where nothing is near', () => {
    expect(suggestion('retries', ['use', 'signal'])).toBe('; known: use, signal')
    expect(suggestion('retries', [])).toBe('; there are none')
  })
})

describe('assertKnownKeys', () => {
  it('names the unknown option and the nearest known one', () => {
    expect(() => assertKnownKeys('consume', { concurency: 1 }, options)).toThrow(
      new TypeError("consume: unknown option 'concurency'; did you mean 'concurrency'?"),
    )
  })

  it('accepts known options', () => {
    expect(() => assertKnownKeys('consume', { use: [], signal: undefined }, options)).not.toThrow()
  })
})
