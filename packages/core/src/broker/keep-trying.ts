import { load } from '../lazy.ts'
import type { Runtime } from './runtime.ts'

/** Repeats what fails with a retryable error until 30 s have passed or `signal` fires. `what` begins the texts: `amqp`, `orders on amqp`. */
export async function keepTrying<T>(what: string, attempt: () => Promise<T>, runtime: Runtime, signal: AbortSignal): Promise<T> {
  const began = runtime.clock.monotonic()
  try {
    return await attempt()
  } catch (error) {
    const { tryAgain } = await load(runtime.clock, 'refusals')
    return tryAgain(what, attempt, { error, began }, runtime, signal)
  }
}
