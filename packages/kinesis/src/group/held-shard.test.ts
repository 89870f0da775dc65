import { describe, expect, it } from 'vitest'
import { HeldShard } from './held-shard.ts'

const claim = { key: 'k', owner: 'w/1', fence: 7 }
const at = (sequence: bigint, subSequence?: number): { readonly sequence: bigint; readonly subSequence: number | undefined } => ({ sequence, subSequence })

describe('a shard that is held', () => {
  it('has the contiguous prefix of what is done for its checkpoint, down to the user records of an aggregated one', () => {
    const shard = new HeldShard('s', claim, { kind: 'horizon' }, 0, 9_000)
    const [one, two, three] = [shard.add(at(5n, 0)), shard.add(at(5n, 1)), shard.add(at(6n))]
    expect(shard.complete(three)).toBe('accepted')
    expect(shard.note).toEqual({ ...claim, note: 'horizon' })
    shard.complete(one)
    expect(shard.note.note).toBe('after 5:0')
    shard.complete(two)
    expect(shard.note.note).toBe('after 6')
  })

  it('refuses positions that are not behind the last one, and those before its beginning', () => {
    const shard = new HeldShard('s', claim, { kind: 'after', position: at(5n, 1) }, 0, 9_000)
    expect(() => shard.add(at(5n, 1))).toThrow(RangeError)
    expect(() => shard.add(at(4n))).toThrow(RangeError)
    shard.add(at(5n, 2))
  })

  it('ends when it has been read to its end and everything is done', () => {
    const shard = new HeldShard('s', claim, { kind: 'latest' }, 0, 9_000)
    const tracked = shard.add(at(1n))
    shard.end()
    expect(shard.ended).toBe(false)
    shard.complete(tracked)
    expect(shard.ended).toBe(true)
  })

  it('tells what the store does not know yet, and takes nothing when it is gone', () => {
    const shard = new HeldShard('s', claim, { kind: 'latest' }, 0, 9_000)
    shard.saved('latest')
    expect(shard.changed).toBe(false)
    shard.pin(42)
    expect(shard.note.note).toBe('time 42')
    expect(shard.changed).toBe(true)
    const tracked = shard.add(at(1n))
    shard.held = false
    expect(shard.complete(tracked)).toBe('too-late')
    expect(shard.note.note).toBe('time 42')
  })
})
