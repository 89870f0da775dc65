import type { Clock } from '@busbar/core/driver'

/** A clock that stands still, and what makes it go on: what is due is woken once, when `ms` have passed. */
export interface ManualTime {
  readonly clock: Clock
  readonly pass: (ms: number) => void
  /** Timers that run. */
  readonly timers: () => number
}

export function manualTime(): ManualTime {
  let now = 0
  const due = new Map<object, { readonly at: number; readonly wake: () => void }>()
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    timer(at, wake) {
      const key = { cancel: (): void => void due.delete(key) }
      due.set(key, { at, wake })
      return key
    },
    external: (operation) => operation,
  }
  const pass = (ms: number): void => {
    now += ms
    for (const [key, { at, wake }] of [...due]) if (at <= now && due.delete(key)) wake()
  }
  return { clock, pass, timers: () => due.size }
}
