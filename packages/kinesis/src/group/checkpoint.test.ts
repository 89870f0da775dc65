import { describe, expect, it } from 'vitest'
import { formatCheckpoint, isFurther, parseCheckpoint, startingAt, type Checkpoint } from './checkpoint.ts'

const after = (sequence: bigint, subSequence?: number): Checkpoint => ({ kind: 'after', position: { sequence, subSequence } })
const huge = 10n ** 55n

describe('checkpoints', () => {
  it('come back from their texts', () => {
    const all: readonly Checkpoint[] = [
      { kind: 'horizon' },
      { kind: 'latest' },
      { kind: 'time', timestamp: 1_700_000_000_000 },
      after(huge),
      after(huge, 0),
      after(huge, 17),
      startingAt({ sequence: huge, subSequence: undefined }),
    ]
    for (const checkpoint of all) expect(parseCheckpoint('s', formatCheckpoint(checkpoint))).toEqual(checkpoint)
    expect(formatCheckpoint(after(huge, 17))).toBe(`after 1${'0'.repeat(55)}:17`)
  })

  it.each(['', 'after', 'after ', 'after -1', 'after 1e5', 'after 01', 'after 1:x', 'time soon', 'time ', 'Horizon', '12', 'at', 'at 1:1', 'at x'])(
    'are refused where they are none: %j',
    (text) => {
      expect(() => parseCheckpoint('shard-1', text)).toThrow(expect.objectContaining({ code: 'ERR_INVALID', message: expect.stringContaining('shard-1') }))
    },
  )

  it('are compared as whole numbers of any size, with sub-sequence numbers', () => {
    expect(isFurther(after(huge + 1n), after(huge))).toBe(true)
    expect(isFurther(after(9n), after(10n))).toBe(false)
    expect(isFurther(after(huge), after(huge))).toBe(false)
    expect(isFurther(after(huge, 10), after(huge, 9))).toBe(true)
    expect(isFurther(after(huge, 9), after(huge, 10))).toBe(false)
  })

  it('begin with a record, or with a part of one', () => {
    const at = (sequence: bigint, subSequence?: number): Checkpoint => startingAt({ sequence, subSequence })
    for (const checkpoint of [at(5n), at(5n, 0)]) {
      expect(isFurther(after(5n), checkpoint)).toBe(true)
      expect(isFurther(after(5n, 0), checkpoint)).toBe(true)
      expect(isFurther(after(4n, 99), checkpoint)).toBe(false)
    }
    expect(at(5n, 3)).toEqual(after(5n, 2))
  })

  it('never go back from a position to a beginning, and from latest to the time it stood for alone', () => {
    for (const beginning of [{ kind: 'horizon' }, { kind: 'latest' }, { kind: 'time', timestamp: 5 }] as const) {
      expect(isFurther(after(0n), beginning)).toBe(true)
      expect(isFurther(beginning, after(0n))).toBe(false)
    }
    expect(isFurther({ kind: 'time', timestamp: 5 }, { kind: 'latest' })).toBe(true)
    expect(isFurther({ kind: 'time', timestamp: 9 }, { kind: 'time', timestamp: 5 })).toBe(false)
    expect(isFurther({ kind: 'time', timestamp: 9 }, { kind: 'horizon' })).toBe(false)
  })
})
