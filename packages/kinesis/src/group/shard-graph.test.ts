import { describe, expect, it } from 'vitest'
import { ShardGraph, type GroupShard } from './shard-graph.ts'

const shard = (id: string, parents: readonly string[] = [], open = true): GroupShard => ({ id, parents, open })
/** a was split into b and c, c and d were merged into e. */
const reshaped = [shard('a', [], false), shard('b', ['a']), shard('c', ['a'], false), shard('d', [], false), shard('e', ['c', 'd'])]
const readable = (graph: ShardGraph, ...ended: readonly string[]): string[] =>
  graph.readable(new Set(ended), new Set()).toSorted((one, other) => (one < other ? -1 : 1))

describe('the shards of a group', () => {
  it('can be read when all parents have ended', () => {
    const graph = new ShardGraph(reshaped, { from: 'horizon' })
    expect(readable(graph)).toEqual(['a', 'd'])
    expect(readable(graph, 'a')).toEqual(['b', 'c', 'd'])
    expect(readable(graph, 'a', 'c')).toEqual(['b', 'd'])
    expect(readable(graph, 'a', 'c', 'd')).toEqual(['b', 'e'])
    expect(readable(graph, 'a', 'b', 'c', 'd', 'e')).toEqual([])
  })

  it('do not wait for parents that have expired', () => {
    expect(readable(new ShardGraph([shard('b', ['gone'])], { from: 'horizon' }))).toEqual(['b'])
  })

  it('wait for parents that have expired while somebody has not done all that he has read of them', () => {
    const graph = new ShardGraph([shard('b', ['gone'])], { from: 'horizon' })
    expect(graph.readable(new Set(), new Set(['gone']))).toEqual([])
    expect(graph.readable(new Set(['gone']), new Set(['gone']))).toEqual(['b'])
  })

  it('are, with latest, those that were open at the beginning and what has come of them', () => {
    const graph = new ShardGraph([...reshaped, shard('f', ['b'])], { from: 'latest', at: 5_000, open: ['b', 'e'] })
    expect(readable(graph)).toEqual(['b', 'e'])
    expect(readable(graph, 'b')).toEqual(['e', 'f'])
    expect(graph.beginning('b', true)).toEqual({ kind: 'latest' })
    expect(graph.beginning('f', true)).toEqual({ kind: 'horizon' })
    // Who did not begin the group reads later, and what was written since then is the group's.
    expect(graph.beginning('b', false)).toEqual({ kind: 'time', timestamp: 4_000 })
  })

  it('are found, with latest, also where the one that was open then has expired', () => {
    expect(readable(new ShardGraph([shard('child', ['gone']), shard('grandchild', ['child'])], { from: 'latest', at: 0, open: ['gone'] }))).toEqual(['child'])
  })

  it('all begin at the horizon, or all at one time, or one of them at a position', () => {
    expect(new ShardGraph(reshaped, { from: 'horizon' }).beginning('e', true)).toEqual({ kind: 'horizon' })
    expect(new ShardGraph(reshaped, { from: 'time', timestamp: 7 }).beginning('e', true)).toEqual({ kind: 'time', timestamp: 7 })
    const graph = new ShardGraph(reshaped, { from: 'position', shard: 'b', position: '12:3', timestamp: 7 })
    expect(graph.beginning('b', true)).toEqual({ kind: 'after', position: { sequence: 12n, subSequence: 2 } })
    expect(graph.beginning('e', true)).toEqual({ kind: 'time', timestamp: 7 })
  })
})
