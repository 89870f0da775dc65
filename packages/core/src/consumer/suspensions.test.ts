import { describe, expect, it } from 'vitest'
import { Suspensions } from './suspensions.ts'

describe('Suspensions', () => {
  it('tell when the first is held and when the last is let go', () => {
    const suspensions = new Suspensions()
    const changes: boolean[] = []
    suspensions.onChange = () => changes.push(suspensions.any)
    const [first, second] = [suspensions.hold(), suspensions.hold()]
    first()
    first()
    expect(suspensions.any).toBe(true)
    second()
    expect(changes).toEqual([true, false])
  })

  it('tell those who hold them that the consumer has ended, once, and those who come later at once', () => {
    const suspensions = new Suspensions()
    const ended: string[] = []
    const [, released] = [suspensions.hold(() => ended.push('held')), suspensions.hold(() => ended.push('released'))]
    released()
    suspensions.end()
    suspensions.end()
    suspensions.hold(() => ended.push('late'))()
    expect([ended, suspensions.any]).toEqual([['held', 'late'], false])
  })
})
