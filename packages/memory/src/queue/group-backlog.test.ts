import { describe, expect, it } from 'vitest'
import { outgoing } from '../testing/builders.ts'
import { GroupBacklog } from './group-backlog.ts'
import type { Port } from './port.ts'
import { incomingOf, Stored } from './stored.ts'

/** A backlog that looks at three messages, and what can be taken from it. */
function lookingAtThree() {
  const backlog = new GroupBacklog(() => true, 3)
  const port = { fits: () => true, heldBytes: 0 } as unknown as Port
  let ids = 0
  return {
    add: (...texts: string[]) =>
      texts.map((id) => {
        const message = new Stored(++ids, incomingOf(outgoing({ id, key: id.charAt(0) })), 0)
        backlog.add(message)
        return message
      }),
    remove: (...messages: Stored[]) => {
      for (const message of messages) {
        message.state = 'gone'
        backlog.gone(message)
      }
    },
    take: () => {
      const taken: Stored[] = []
      backlog.take(port, 10, taken)
      return taken.map(({ incoming }) => incoming.id)
    },
  }
}

describe('the look-ahead of FIFO groups', () => {
  it('counts undeleted messages, in flight or not, and moves on as they are deleted', () => {
    const { add, take, remove } = lookingAtThree()
    const [a1, a2] = add('a1', 'a2', 'b1', 'c1', 'd1') as [Stored, Stored]
    expect(take()).toEqual(['a1', 'a2', 'b1'])
    expect(take()).toEqual([])
    remove(a2)
    expect(take()).toEqual(['c1'])
    remove(a1)
    expect(take()).toEqual(['d1'])
  })

  it('does not count what was removed before it was looked at', () => {
    const { add, take, remove } = lookingAtThree()
    const [, a1, , b1, b2] = add('b0', 'a1', 'a2', 'b1', 'b2') as [Stored, Stored, Stored, Stored, Stored]
    remove(b1, b2, a1)
    add('c1')
    expect(take()).toEqual(['b0', 'a2', 'c1'])
  })

  it('takes a group in part where the look-ahead ends in it', () => {
    const { add, take, remove } = lookingAtThree()
    const [a1] = add('a1', 'b1', 'b2', 'b3') as [Stored]
    expect(take()).toEqual(['a1', 'b1', 'b2'])
    remove(a1)
    expect(take()).toEqual([])
  })
})
