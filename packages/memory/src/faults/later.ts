import type { Clock } from '@busbar/core/driver'

/** `value`, `ms` from now. */
export function later<T>(clock: Clock, ms: number, value: T): Promise<T> {
  if (ms <= 0) return Promise.resolve(value)
  return new Promise((resolve) => {
    clock.timer(clock.monotonic() + ms, () => resolve(value))
  })
}
