import { describe, expect, it } from 'vitest'
import { LinkedList, type Linked } from './linked-list.ts'
import { seededRandom } from './test-support/seeded-random.ts'

interface Item extends Linked<Item> {
  readonly n: number
}

const item = (n: number): Item => ({ n, before: undefined, next: undefined })

function inList(list: LinkedList<Item>): number[] {
  const numbers: number[] = []
  let last: Item | undefined
  for (let next = list.first; next; next = next.next) {
    expect(next.before).toBe(last)
    expect(list.has(next)).toBe(true)
    numbers.push(next.n)
    last = next
  }
  expect(list.size).toBe(numbers.length)
  return numbers
}

describe('a linked list', () => {
  it('holds what an array would, whatever is added and removed', () => {
    const random = seededRandom(3)
    const list = new LinkedList<Item>()
    const array: Item[] = []
    for (let n = 0; n < 2_000; n++) {
      const at = Math.floor(random() * array.length)
      if (random() < 0.45 && array.length > 0) {
        const [removed] = array.splice(at, 1) as [Item]
        list.remove(removed)
        expect([removed.before, removed.next, list.has(removed)]).toEqual([undefined, undefined, false])
      } else if (random() < 0.5 && array.length > 0) {
        const added = item(n)
        list.add(added, array[at])
        array.splice(at, 0, added)
      } else {
        array.push(item(n))
        list.add(array.at(-1) as Item)
      }
      if (n % 50 === 0) expect(inList(list)).toEqual(array.map((each) => each.n))
    }
    for (const each of array) list.remove(each)
    expect(inList(list)).toEqual([])
    list.add(item(1))
    expect(inList(list)).toEqual([1])
  })
})
