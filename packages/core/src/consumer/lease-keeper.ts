import type { Clock, Timer } from '../clock.ts'
import type { Capabilities } from '../driver/capabilities.ts'
import type { Receiver } from '../driver/receiver.ts'
import type { BrokerError } from '../errors.ts'
import { load } from '../lazy.ts'
import type { ProcessMiddleware } from '../middleware/types.ts'
import type { Held } from './held.ts'
import type { Task } from './task.ts'
import { messageLease, type MessageLease } from './wait-plan.ts'

export interface LeaseKeeperOptions {
  readonly receiver: Pick<Receiver, 'extend'>
  readonly capabilities: Capabilities
  readonly held: Held
  readonly clock: Clock
  /** Middleware whose claims are renewed at every tick. */
  readonly renewing: readonly ProcessMiddleware[]
  /** The lease of a task has ended or could not be renewed. */
  readonly onLost: (task: Task, reason: BrokerError) => void
  readonly onError: (error: unknown) => void
}

/** Tick without per-message leases; also the upper bound with them. */
const longestTickMs = 10_000

/** Says when the leases of what is held are to be renewed. One timer, running only while something is held. */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions
  readonly #lease: MessageLease | undefined
  readonly #tickMs: number
  readonly #needed: boolean
  #timer: Timer | undefined
  #closed = false

  constructor(options: LeaseKeeperOptions) {
    this.#options = options
    const lease = messageLease(options.capabilities)
    this.#lease = lease
    this.#needed = lease !== undefined || options.renewing.length > 0
    this.#tickMs = lease ? Math.min(longestTickMs, lease.ms / 3) : longestTickMs
  }

  /** Call it whenever something was received. */
  arm(): void {
    if (!this.#needed || this.#timer || this.#closed) return
    const { clock } = this.#options
    this.#timer = clock.timer(clock.monotonic() + this.#tickMs, () => void this.#tick())
  }

  close(): void {
    this.#closed = true
    this.#timer?.cancel()
    this.#timer = undefined
  }

  async #tick(): Promise<void> {
    this.#timer = undefined
    const { held, clock, onError } = this.#options
    if (held.size === 0) return
    // Armed first, so that a slow renewal does not stretch the interval.
    this.arm()
    try {
      const { renewLeases } = await load(clock, 'leases')
      if (!this.#closed) await renewLeases(this.#options, this.#lease, this.#tickMs)
    } catch (error) {
      onError(error)
    }
  }
}
