import { setTimeout as pause } from 'node:timers/promises'
import type { AnySource, Broker, Logger, Telemetry } from '@busbar/core'
import type { Ledger } from './ledger.ts'

/** How long nothing may happen before the run counts as quiet, and as stuck. */
const quietMs = 300
const stuckMs = 20_000

/** What the brokers of the program report about themselves, for the progress line and to know when it is over. */
export class Activity {
  /** Handler runs that failed. */
  failures = 0
  /** `source id` of what was given up, each once. Only news: what really became dead letters is looked up. */
  readonly givenUp: Set<string> = new Set()
  /** Warnings and errors by event. */
  readonly notes: Map<string, number> = new Map()
  /** Told of every delivery that the broker has let go as done. */
  onAcked: ((source: string, id: string) => void) | undefined
  #last = performance.now()

  readonly telemetry: Telemetry = {
    send: () => this.#touch(),
    receive: () => this.#touch(),
    settle: ({ source, id, action, result }) => {
      if (action === 'ack' && (result === 'durable' || result === 'accepted')) this.onAcked?.(source, id)
      this.#touch()
    },
  }

  readonly log: Logger = (level, event, data) => {
    if (event === 'message:given-up') this.givenUp.add(`${String(data['source'])} ${String(data['messageId'])}`)
    else if (level === 'warn' || level === 'error') this.notes.set(event, (this.notes.get(event) ?? 0) + 1)
    this.#touch()
  }

  /** Resolves when everything sent is handled or given up, the sources are empty and nothing moves; or when nothing has moved for long. */
  async quiet(broker: Broker, sources: readonly AnySource[], ledger: Ledger, signal: AbortSignal): Promise<void> {
    for (;;) {
      await pause(50, undefined, { signal })
      const idleMs = performance.now() - this.#last
      if (idleMs > stuckMs) return
      if (ledger.open <= this.givenUp.size && idleMs > quietMs && (await areEmpty(broker, sources, signal))) return
    }
  }

  #touch(): void {
    this.#last = performance.now()
  }
}

/** As far as the backend tells. */
async function areEmpty(broker: Broker, sources: readonly AnySource[], signal: AbortSignal): Promise<boolean> {
  try {
    const counts = await Promise.all(sources.map((source) => broker.stats(source, { signal })))
    return counts.every(({ ready = 0, inFlight = 0, delayed = 0 }) => ready + inFlight + delayed === 0)
  } catch {
    // The broker is down: it will be asked again.
    return false
  }
}
