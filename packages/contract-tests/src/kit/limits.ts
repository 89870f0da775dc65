import type { Harness } from '../harness.ts'
import { NotExamined } from './assert.ts'

/** The most that the suite tries of what can be claimed without an end, so that it stays quick and fits into memory. */
export const most = { messages: 5_000, outcomes: 2_000, calls: 256 } as const

export function mostBytes({ bounds }: Harness): number {
  return bounds.largestBytes ?? 67_108_864
}

/** To be called last: the claim holds as far as it was tried. */
export function checkExamined(claimed: number, tried: number, what: string): void {
  if (claimed > tried) throw new NotExamined(`${what} was found right up to ${tried}, and not tried up to the claimed ${claimed}`)
}
