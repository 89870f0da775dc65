import { BrokerError } from '@busbar/core'
import { describe, expect, it } from 'vitest'
import { makeContext } from '../test-support/context.ts'
import { Outage } from './outage.ts'

const down = new BrokerError('ERR_UNAVAILABLE', 'down')

describe('Outage', () => {
  it('leaves the store alone for longer the longer it fails, up to 2.5 s, and asks at once when it is over', () => {
    const outage = new Outage()
    expect([outage.lasts, outage.leftMs(0)]).toEqual([false, 0])
    const asked: number[] = []
    for (let now = 0; now < 120_000; now += 100) {
      if (outage.leftMs(now) > 0) continue
      asked.push(now)
      outage.begins(down, now)
    }
    expect(asked.slice(0, 6)).toEqual([0, 500, 1_000, 1_500, 2_300, 3_500])
    expect(asked.at(-1)! - asked.at(-2)!).toBe(2_500)
    outage.ends()
    expect([outage.lasts, outage.leftMs(120_000), outage.error]).toEqual([false, 0, undefined])
  })

  it('is not made longer by those that were asked at the same time', () => {
    const outage = new Outage()
    for (const now of [0, 100, 499]) outage.begins(down, now)
    expect(outage.leftMs(499)).toBe(1)
  })

  it('does not begin with a refusal that is about one claim', () => {
    const outage = new Outage()
    outage.begins(new BrokerError('ERR_CONFLICT', 'not a claim'), 0)
    expect(outage.lasts).toBe(false)
    outage.begins(new BrokerError('ERR_ACCESS_DENIED', 'wrong password'), 0)
    expect(outage.lasts).toBe(true)
    outage.ends()
    outage.begins(new Error('unknown'), 0)
    expect(outage.lasts).toBe(true)
  })

  it('spreads what it holds', () => {
    const outage = new Outage()
    outage.begins(down, 0)
    expect([0, 0.999].map((fraction) => outage.holdMs(makeContext({ random: () => fraction })))).toEqual([500, 999])
  })

  it('holds no longer than the broker lets it', () => {
    const outage = new Outage()
    outage.begins(down, 0)
    expect(outage.holdMs(makeContext({ lease: { kind: 'scope', maxHoldMs: 500 } }))).toBe(400)
    expect(outage.holdMs(makeContext({ lease: { kind: 'message', ms: 200, maxMs: 200 } }))).toBe(160)
  })
})
