import { setTimeout as sleep } from 'node:timers/promises'

export interface UntilOptions {
  readonly timeoutMs: number
  /** Says why waiting is pointless, or `undefined` to go on. */
  readonly hopeless?: () => string | undefined
  readonly intervalMs?: number
}

/** Repeats `attempt` until it resolves; then gives its value. The last failure becomes the cause of the time-out. */
export async function until<T>(what: string, attempt: () => Promise<T>, options: UntilOptions): Promise<T> {
  const end = performance.now() + options.timeoutMs
  for (;;) {
    try {
      return await attempt()
    } catch (cause) {
      const hopeless = options.hopeless?.()
      if (hopeless !== undefined) throw new Error(`${what}: ${hopeless}`, { cause })
      if (performance.now() > end) throw new Error(`${what}: not within ${options.timeoutMs} ms`, { cause })
    }
    await sleep(options.intervalMs ?? 100)
  }
}
