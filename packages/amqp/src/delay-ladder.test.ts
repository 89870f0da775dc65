import { expect, it } from 'vitest'
import { fitsLadder, ladderBinding, ladderLevels, ladderMaxMs, ladderRoute, levelPattern } from './delay-ladder.ts'

const target = { kind: 'queue', name: 'orders.eu' } as const

/** Topic matching as RabbitMQ does it, for the patterns used here. */
function matches(pattern: string, key: string): boolean {
  const [words, keys] = [pattern.split('.'), key.split('.')]
  const open = words.at(-1) === '#'
  if (open ? keys.length < words.length - 1 : keys.length !== words.length) return false
  return words.every((word, index) => word === '#' || word === '*' || word === keys[index])
}

/** Ticks that a message waits on its way down, and where it comes out. */
function walk(delayMs: number): { readonly ticks: number; readonly out: boolean } {
  const { exchange, routingKey } = ladderRoute(delayMs, target)
  let ticks = 0
  for (let level = Number(exchange.split('.').at(-1)); level >= 0; level--) {
    const waits = matches(levelPattern(level, '1'), routingKey)
    expect(matches(levelPattern(level, '0'), routingKey)).toBe(!waits)
    if (waits) ticks += 2 ** level
  }
  return { ticks, out: matches(ladderBinding(target), routingKey) }
}

it.each([
  [1, 1],
  [100, 1],
  [101, 2],
  [1_250, 13],
  [60_000, 600],
  [86_400_000, 864_000],
  [ladderMaxMs, 2 ** 28 - 1],
])('a delay of %i ms waits %i ticks in all and comes out at its target', (delayMs, ticks) => {
  expect(walk(delayMs)).toEqual({ ticks, out: true })
})

it('enters at the highest level that it waits at', () => {
  expect(ladderRoute(100, target).exchange).toBe('busbar.delay.00')
  expect(ladderRoute(400, target).exchange).toBe('busbar.delay.02')
  expect(ladderRoute(ladderMaxMs, target).exchange).toBe(`busbar.delay.${ladderLevels - 1}`)
})

it('writes the delay as binary words and the target as one more', () => {
  expect(ladderRoute(500, { kind: 'exchange', name: 'a.b%c' }).routingKey).toBe(`${'0.'.repeat(25)}1.0.1.x:a%2Eb%25c`)
})

it('tells targets apart that share words, kinds or wildcards', () => {
  const { routingKey } = ladderRoute(100, target)
  for (const other of [
    { kind: 'queue', name: 'eu' },
    { kind: 'exchange', name: 'orders.eu' },
    { kind: 'queue', name: 'orders' },
    { kind: 'queue', name: '#' },
  ] as const) {
    expect(matches(ladderBinding(other), routingKey)).toBe(false)
  }
})

it('refuses what is too long', () => {
  expect(() => ladderRoute(ladderMaxMs + 1, target)).toThrow(RangeError)
  expect(fitsLadder({ kind: 'queue', name: 'q'.repeat(197) })).toBe(true)
  expect(fitsLadder({ kind: 'queue', name: 'q'.repeat(198) })).toBe(false)
})
