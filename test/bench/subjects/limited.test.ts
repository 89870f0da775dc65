import { expect, it } from 'vitest'
import { Limited } from './limited.ts'

it('runs no more handlers at once than it may, and all of them in order', async () => {
  const begun: string[] = []
  const ends: (() => void)[] = []
  const limited = new Limited((body) => {
    begun.push(body as string)
    return new Promise((resolve) => ends.push(resolve))
  }, 2)
  for (const body of ['a', 'b', 'c', 'd']) limited.add(body)
  expect(begun).toEqual(['a', 'b'])
  expect(limited.waiting).toBe(2)
  expect(limited.begun).toBe(2)
  ends.shift()?.()
  await Promise.resolve()
  await Promise.resolve()
  expect(begun).toEqual(['a', 'b', 'c'])
  expect(limited.begun).toBe(3)
  const ended = limited.end()
  for (const end of ends) end()
  await ended
  expect(begun).toEqual(['a', 'b', 'c'])
  expect(limited.waiting).toBe(0)
})

it('takes no place for a handler that returns', async () => {
  let count = 0
  const limited = new Limited(() => void count++, 1)
  for (let index = 0; index < 10; index++) limited.add('x')
  expect(count).toBe(10)
  await limited.end()
})
