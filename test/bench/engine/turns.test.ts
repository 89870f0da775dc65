import { expect, it } from 'vitest'
import { Turns } from './turns.ts'

it('begins when all have asked, and goes on with whoever has waited longest', () => {
  const turns = new Turns(3)
  const had: string[] = []
  const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ name })) as [{ name: string }, { name: string }, { name: string }]
  const ask = (party: { name: string }): void => turns.ask(party, () => had.push(party.name))
  ask(b)
  ask(a)
  expect(had).toEqual([])
  ask(c)
  expect(had).toEqual(['b'])
  ask(b)
  ask(a)
  ask(c)
  expect(had).toEqual(['b', 'a', 'c', 'b'])
})

it('waits for nobody who has left, before the first turn, while he waits, or during his own', () => {
  const turns = new Turns(4)
  const had: string[] = []
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => ({ name })) as [{ name: string }, { name: string }, { name: string }, { name: string }]
  const ask = (party: { name: string }): void => turns.ask(party, () => had.push(party.name))
  ask(a)
  ask(b)
  ask(c)
  turns.leave(d)
  expect(had).toEqual(['a'])
  turns.leave(b)
  turns.leave(a)
  expect(had).toEqual(['a', 'c'])
  ask(c)
  expect(had).toEqual(['a', 'c', 'c'])
})
