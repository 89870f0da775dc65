import { describe, expect, it } from 'vitest'
import { seededRandom } from '../random.ts'
import { Heap, type HeapItem } from './heap.ts'
import { Ring } from './ring.ts'

describe('Heap', () => {
  it('gives items by rank, then by order, whatever was removed from its middle', () => {
    const random = seededRandom(3)
    const heap = new Heap<HeapItem>()
    const items = Array.from({ length: 500 }, (_, order) => ({ rank: Math.floor(random() * 50), order, slot: -1 }))
    for (const item of items) heap.push(item)
    const removed = items.filter(() => random() < 0.4)
    for (const item of removed) heap.remove(item)
    for (const item of removed) heap.remove(item)
    const expected = items.filter((item) => !removed.includes(item)).sort((a, b) => a.rank - b.rank || a.order - b.order)
    const popped: HeapItem[] = []
    for (let item = heap.pop(); item !== undefined; item = heap.pop()) popped.push(item)
    expect(popped).toEqual(expected)
    expect(items.every((item) => item.slot === -1)).toBe(true)
  })
})

describe('Ring', () => {
  it('behaves as an array does under pushes and shifts', () => {
    const random = seededRandom(5)
    const ring = new Ring<number>()
    const array: number[] = []
    for (let step = 0; step < 20_000; step++) {
      if (random() < 0.55) {
        ring.push(step)
        array.push(step)
      } else expect(ring.shift()).toBe(array.shift())
      expect(ring.length).toBe(array.length)
    }
    expect([...ring]).toEqual(array)
    for (let index = 0; index < array.length; index++) expect(ring.at(index)).toBe(array[index])
  })

  it('gives its memory back when it empties', () => {
    const ring = new Ring<number>()
    for (let item = 0; item < 5_000; item++) ring.push(item)
    for (let item = 0; item < 5_000; item++) expect(ring.shift()).toBe(item)
    ring.push(1)
    expect([...ring]).toEqual([1])
  })
})

describe('seededRandom', () => {
  it('gives the same numbers for the same seed and others for another', () => {
    const draw = (seed: number): number[] => Array.from({ length: 5 }, seededRandom(seed))
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7)).not.toEqual(draw(8))
  })

  it('is spread evenly over [0, 1)', () => {
    const random = seededRandom(1)
    const counts = new Array<number>(10).fill(0)
    for (let draw = 0; draw < 100_000; draw++) {
      const slot = Math.floor(random() * 10)
      counts[slot] = (counts[slot] ?? 0) + 1
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500)
  })
})
