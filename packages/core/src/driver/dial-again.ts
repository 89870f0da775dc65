import type { BrokerError } from '../errors.ts'
import { jitteredBackoff } from '../jitter.ts'
import type { Services } from './driver.ts'
import { Denials } from './denials.ts'
import { pauseFor } from './within.ts'

/** How a driver comes by the connection that follows a lost one. */
export interface Dialing<C extends { kill(): void }> {
  /** One attempt, which the signal ends too. */
  dial(): Promise<C>
  /** What the connection needs before anybody is told of it. It is killed if this throws, and when the signal fires meanwhile. */
  prepare(connection: C): Promise<void>
  toError(error: unknown): BrokerError
  /** Called after every attempt that has failed, with its number from 1. */
  onFailure(error: BrokerError, round: number): void
  readonly longestPauseMs: number
}

const firstPauseMs = 100
const refusalBelievedMs = 30_000

/** Tries until there is a connection, with jittered pauses; `undefined` once `signal` has fired. Throws the broker's refusal when it is meant. */
export async function dialAgain<C extends { kill(): void }>(
  dialing: Dialing<C>,
  { clock, random }: Pick<Services, 'clock' | 'random'>,
  signal: AbortSignal,
): Promise<C | undefined> {
  const denials = new Denials(clock, refusalBelievedMs)
  for (let round = 0; !signal.aborted; round++) {
    // The first pause is short, yet different in every process: all have lost the same broker at the same moment.
    await pauseFor(jitteredBackoff(round, firstPauseMs, dialing.longestPauseMs, random), clock, signal)
    if (signal.aborted) return undefined
    try {
      return await prepared(await dialing.dial(), dialing, signal)
    } catch (error) {
      if (signal.aborted) return undefined
      const mapped = dialing.toError(error)
      dialing.onFailure(mapped, round + 1)
      if (denials.areMeant(!mapped.retryable)) throw mapped
    }
  }
  return undefined
}

async function prepared<C extends { kill(): void }>(connection: C, dialing: Dialing<C>, signal: AbortSignal): Promise<C> {
  const kill = (): void => connection.kill()
  signal.addEventListener('abort', kill, { once: true })
  try {
    signal.throwIfAborted()
    await dialing.prepare(connection)
    signal.throwIfAborted()
    return connection
  } catch (error) {
    kill()
    throw error
  } finally {
    signal.removeEventListener('abort', kill)
  }
}
