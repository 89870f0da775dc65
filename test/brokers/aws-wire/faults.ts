import { assertKnownKeys, sleep } from '@busbar/core/driver'
import type { Input } from './input.ts'
import { serviceError } from './service-errors.ts'
import type { WireClock } from './wire-clock.ts'
import { WireError } from './wire-error.ts'

/** What goes wrong. */
export type WireFault =
  /** Not acted upon; answered with an error of the service, such as `RequestThrottled`, `KmsThrottled`, `OverLimit`, `AccessDenied` or `InternalFailure`. */
  | { readonly kind: 'error'; readonly name: string; readonly message?: string }
  /** The connection is reset, before the request is acted upon or (a lost response) after. */
  | { readonly kind: 'reset'; readonly when: 'before' | 'after' }
  /** Batches: these entries, by index, are not acted upon and answered as failed. Default code: `InternalFailure`, not the sender's fault. */
  | { readonly kind: 'fail-entries'; readonly entries: readonly number[]; readonly code?: string; readonly senderFault?: boolean }
  /** Waits, before the request is acted upon or after; counted on the clock of the wire. */
  | { readonly kind: 'delay'; readonly when: 'before' | 'after'; readonly ms: number }

export interface WireFaultRule {
  /** Name of the action, such as `SendMessageBatch`, or several; default: all. */
  readonly action?: string | readonly string[]
  /** Name of the queue or topic; default: all. */
  readonly resource?: string
  readonly fault: WireFault
  /** How many calls it strikes. Default 1; `Infinity` until it is removed. */
  readonly times?: number
}

/** A rule in force. */
export interface WireFaultHandle {
  /** Calls struck so far. */
  readonly hits: number
  remove(): void
}

/** Ways to break connections, beside the rules. */
export interface Connections {
  cut(): void
  refuse(refused: boolean): void
}

interface Active extends WireFaultRule {
  hits: number
}

const kinds = ['error', 'reset', 'fail-entries', 'delay'] as const

/** Scripted faults. Those of one call take effect in the order in which they were added; at most one of them ends it. */
export class WireFaults {
  readonly #clock: WireClock
  readonly #connections: Connections
  readonly #rules = new Set<Active>()

  constructor(clock: WireClock, connections: Connections) {
    this.#clock = clock
    this.#connections = connections
  }

  /** Throws `TypeError` or `RangeError` for a rule that is none. */
  add(rule: WireFaultRule): WireFaultHandle {
    assertKnownKeys('fault rule', rule, ['action', 'resource', 'fault', 'times'])
    if (!kinds.includes(rule.fault.kind)) throw new TypeError(`fault rule: there is no fault of kind ${rule.fault.kind}`)
    if (rule.times !== undefined && !(rule.times >= 1)) throw new RangeError('fault rule: times must be at least 1')
    const active: Active = { ...rule, hits: 0 }
    this.#rules.add(active)
    return {
      get hits() {
        return active.hits
      },
      remove: () => void this.#rules.delete(active),
    }
  }

  /** Removes all rules. */
  clear(): void {
    this.#rules.clear()
  }

  /** Cuts all open connections; new ones are taken at once. */
  cutConnections(): void {
    this.#connections.cut()
  }

  /** Cuts all open connections and takes no new ones until `end`. */
  outage(): { end(): void } {
    this.#connections.refuse(true)
    return { end: () => this.#connections.refuse(false) }
  }

  /** The faults that strike this call. @internal */
  strike(action: string, resource: string): Strike {
    const struck: WireFault[] = []
    for (const rule of this.#rules) {
      if (![rule.action ?? action].flat().includes(action) || (rule.resource ?? resource) !== resource) continue
      // Waits for a call that has entries.
      if (rule.fault.kind === 'fail-entries' && !action.endsWith('Batch')) continue
      struck.push(rule.fault)
      if (++rule.hits >= (rule.times ?? 1)) this.#rules.delete(rule)
    }
    return new Strike(struck, this.#clock)
  }
}

/** Thrown where the connection is to be reset. */
export class ResetConnection extends Error {}

/** The faults of one call. */
export class Strike {
  readonly #faults: readonly WireFault[]
  readonly #clock: WireClock

  constructor(faults: readonly WireFault[], clock: WireClock) {
    this.#faults = faults
    this.#clock = clock
  }

  /** Throws the error to answer with, or {@link ResetConnection}. */
  async before(signal: AbortSignal): Promise<void> {
    for (const fault of this.#faults) {
      if (fault.kind === 'error') throw serviceError(fault.name, fault.message)
      await this.#disturb(fault, 'before', signal)
    }
  }

  async after(signal: AbortSignal): Promise<void> {
    for (const fault of this.#faults) await this.#disturb(fault, 'after', signal)
  }

  /** The entries that are to fail, by index. */
  failing(): ReadonlyMap<number, WireError> {
    const failing = new Map<number, WireError>()
    for (const fault of this.#faults) {
      if (fault.kind !== 'fail-entries') continue
      const { code = 'InternalFailure', senderFault = false } = fault
      for (const index of fault.entries) failing.set(index, new WireError(code, 'A scripted failure', code, 500, senderFault ? 'Sender' : 'Receiver'))
    }
    return failing
  }

  async #disturb(fault: WireFault, when: 'before' | 'after', signal: AbortSignal): Promise<void> {
    if (fault.kind === 'reset' && fault.when === when) throw new ResetConnection()
    if (fault.kind !== 'delay' || fault.when !== when) return
    const leave = this.#clock.park()
    // A client that goes is no reason to fail: what it asked for is done.
    await sleep(this.#clock, fault.ms, signal).catch(() => {})
    leave()
  }
}

/** What is left of a batch without the entries that are to fail, and those. */
export function withoutFailing(
  entries: readonly Input[],
  failing: ReadonlyMap<number, WireError>,
): { readonly kept: Input[]; readonly failed: [Input, WireError][] } {
  const failed = entries.flatMap((entry, index): [Input, WireError][] => {
    const error = failing.get(index)
    return error === undefined ? [] : [[entry, error]]
  })
  return { kept: entries.filter((_, index) => !failing.has(index)), failed }
}
