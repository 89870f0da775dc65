import type { Endpoint, Services } from '@busbar/core/driver'
import type { Dialer } from '../connection/dialer.ts'
import type { ResolvedOptions } from '../options.ts'
import { resolveRouteOptions } from '../route-options.ts'
import { subscribeSession } from './make-session.ts'
import type { Notes } from './notes.ts'
import type { Sessions } from './sessions.ts'

/** It is not looked again so soon, however many messages nobody takes. */
const quietMs = 1_000

/**
 * Subscribes again the sessions of a queue that have been made and that nobody receives from. mosquitto forgets shared subscriptions when it is restarted, and keeps their
 * sessions; those that somebody receives from are subscribed again by him.
 */
export class Restoration {
  readonly #options: ResolvedOptions
  readonly #services: Services
  readonly #dialer: Dialer
  readonly #notes: Notes
  readonly #sessions: Sessions
  readonly #closing: AbortController = new AbortController()
  /** Monotonic milliseconds, by name. */
  readonly #nextAt: Map<string, number> = new Map()

  constructor(options: ResolvedOptions, services: Services, dialer: Dialer, notes: Notes, sessions: Sessions) {
    this.#options = options
    this.#services = services
    this.#dialer = dialer
    this.#notes = notes
    this.#sessions = sessions
  }

  /** The broker has said that nobody takes what is sent there. */
  restore(endpoint: Endpoint): void {
    const now = this.#services.clock.monotonic()
    if (now < (this.#nextAt.get(endpoint.name) ?? -Infinity)) return
    this.#nextAt.set(endpoint.name, now + quietMs)
    this.#subscribeAgain(endpoint).catch((error: unknown) => {
      if (!this.#closing.signal.aborted) this.#services.log('warn', 'topology:not-restored', { queue: endpoint.name, error: String(error) })
    })
  }

  close(): void {
    this.#closing.abort()
  }

  async #subscribeAgain(endpoint: Endpoint): Promise<void> {
    const names = await this.#sessions.made(endpoint)
    const notes = await this.#sessions.notesOf(endpoint, names.length)
    const { qos } = resolveRouteOptions(endpoint, this.#options)
    const free = names.filter(({ index, shared }) => shared && notes.get(index)?.holder === undefined)
    for (const name of free) await subscribeSession(name, qos === 0 ? 0 : 1, this.#dialer, this.#notes, this.#closing.signal)
    if (free.length > 0) this.#services.log('warn', 'topology:restored', { subscribed: free.map(({ clientId }) => clientId) })
  }
}
