import { describe, expect, it } from 'vitest'
import { LinkedList, type Linked } from './linked-list.ts'

class Item implements Linked<Item> {
  previous: Item | undefined
  next: Item | undefined
  readonly n: number

  constructor(n: number) {
    this.n = n
  }
}

function rest(list: LinkedList<Item>): number[] {
  const all: number[] = []
  for (let item = list.shift(); item !== undefined; item = list.shift()) all.push(item.n)
  return all
}

describe('LinkedList', () => {
  it.each([
    { leave: [], left: [0, 1, 2, 3] },
    { leave: [0], left: [1, 2, 3] },
    { leave: [1, 2], left: [0, 3] },
    { leave: [3, 2], left: [0, 1] },
    { leave: [0, 3, 1, 2], left: [] },
  ])('keeps the order of the others when $leave leave', ({ leave, left }) => {
    const list = new LinkedList<Item>()
    const items = [0, 1, 2, 3].map((n) => new Item(n))
    for (const item of items) list.add(item)
    for (const n of leave) list.remove(items[n]!)
    expect([list.size, list.first?.n]).toEqual([left.length, left[0]])
    expect(rest(list)).toEqual(left)
  })

  it('takes back what has left', () => {
    const list = new LinkedList<Item>()
    const [a, b] = [new Item(1), new Item(2)]
    list.add(a)
    list.add(b)
    list.remove(a)
    list.add(a)
    expect(rest(list)).toEqual([2, 1])
    list.add(b)
    expect([list.size, rest(list)]).toEqual([1, [2]])
  })
})
