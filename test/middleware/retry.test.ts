import type { Backoff } from '@busbar/core'
import { retry } from '@busbar/middleware'
import { describe, expect, it } from 'vitest'
import { jobs, setup } from './flow-kit.ts'

interface Asked {
  readonly attempt: number
  readonly previousMs: number | undefined
}

/** These waits, one after the other, and what it was asked for them; the budget asks before the first message, and is told 0. */
function noting(waits: readonly number[]): Backoff & { asked: Asked[] | undefined } {
  return {
    maxMs: 60_000,
    asked: undefined,
    delay(attempt, _random, previousMs) {
      if (this.asked === undefined) return 0
      this.asked.push({ attempt, previousMs })
      return waits[attempt - 1] as number
    },
  }
}

describe('retry', () => {
  // Held, at the broker, and held again.
  it('gives its backoff the wait before, wherever that was spent', async () => {
    const { broker, clock, send, idle } = setup()
    const backoff = noting([100, 20_000, 300])
    const starts: number[] = []
    await broker.consume(
      jobs,
      () => {
        starts.push(Math.round(clock.monotonic()))
        if (starts.length < 4) throw new Error('no')
      },
      { use: [retry({ maxAttempts: 4, backoff })] },
    )
    backoff.asked = []
    await send(jobs, { n: 1 })
    await idle()
    const [first = 0] = starts
    expect(starts.map((at) => at - first)).toEqual([0, 100, 20_100, 20_400])
    expect(backoff.asked).toEqual([
      { attempt: 1, previousMs: undefined },
      { attempt: 2, previousMs: 100 },
      { attempt: 3, previousMs: 20_000 },
    ])
    await broker.close()
  })

  it('loses no message to a backoff that is broken at run time', async () => {
    const { broker, clock, log, send, idle } = setup()
    const backoff = noting([Number.NaN])
    const starts: number[] = []
    await broker.consume(
      jobs,
      () => {
        starts.push(clock.monotonic())
        if (starts.length === 1) throw new Error('no')
      },
      { use: [retry({ backoff })] },
    )
    backoff.asked = []
    await send(jobs, { n: 1 })
    await idle()
    expect(starts).toHaveLength(2)
    expect((starts[1] as number) - (starts[0] as number)).toBeGreaterThanOrEqual(30_000)
    expect(log).toContain('retry:invalid-wait')
    expect(await broker.deadLetters(jobs).peek()).toEqual([])
    await broker.close()
  })
})
