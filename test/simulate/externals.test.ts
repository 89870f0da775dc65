import { virtualClock } from '@busbar/memory'
import { describe, expect, it } from 'vitest'
import { Externals } from './externals.ts'
import { ProcessClock } from './process-clock.ts'

describe('operations outside of the program', () => {
  it('are answered in the order begun, each after all that the one before it has set off, before time goes on', async () => {
    const clock = virtualClock()
    const externals = new Externals(clock)
    const [first, second] = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
    const seen: string[] = []
    const later = new Promise<void>((resolve) => {
      clock.timer(1, () => {
        seen.push('time')
        resolve()
      })
    })
    const answers = [first, second].map(async ({ promise }) => {
      seen.push(await externals.answer(promise, () => true), await Promise.resolve('and what follows'))
    })
    second.resolve('second')
    await new Promise((resolve) => setImmediate(resolve))
    expect(seen).toEqual([])
    first.resolve('first')
    await Promise.all([...answers, later])
    expect(seen).toEqual(['first', 'and what follows', 'second', 'and what follows', 'time'])
  })

  it('do not answer a process that has crashed, and do not hold up the others', async () => {
    const clock = virtualClock()
    const externals = new Externals(clock)
    let alive = true
    const seen: string[] = []
    const mortal = new ProcessClock({ clock, externals, alive: () => alive, skewMs: 0 })
    void mortal.external(Promise.resolve()).then(() => seen.push('answered'))
    mortal.timer(1, () => seen.push('woken'))
    alive = false
    const other = new ProcessClock({ clock, externals, alive: () => true, skewMs: 0 })
    await other.external(Promise.resolve())
    await new Promise<void>((resolve) => void other.timer(5, resolve))
    expect(seen).toEqual([])
  })
})
