import type { Schedule } from './schedule.ts'

/** Often enough for a millisecond; what a timer is late counts as latency, for every subject alike. */
const turnMs = 1

/**
 * Calls `send` for what is due, whether or not anything before it has been answered: a subject that stalls does not make its own load lighter. Resolves when all has been
 * begun. `beganAt` is of `performance.now()`; `send` must not throw.
 */
export function openLoop(schedule: Schedule, total: number, beganAt: number, send: (from: number, count: number) => void): Promise<void> {
  return new Promise((resolve) => {
    let begun = 0
    const turn = (): void => {
      const due = Math.min(total, schedule.dueBy(performance.now() - beganAt))
      const from = begun
      begun = due
      if (due > from) send(from, due - from)
      if (begun === total) resolve()
      else setTimeout(turn, turnMs)
    }
    turn()
  })
}
