import type { KeyObject } from 'node:crypto'
import type { Clock } from '@busbar/core'
import { promised, type MaybePromise } from '@busbar/core/driver'
import { within } from '../support/within.ts'
import type { Envelope } from './envelope.ts'
import { secretOf, type KeyProvider, type MasterKeyMaterial } from './keys.ts'
import { unwrap } from './seal.ts'

/** `unknown`: the provider has no such master key. `wrong`: it has, but the data key was not wrapped with it. */
export type ReceivedKey = KeyObject | 'unknown' | 'wrong'

interface Kept {
  readonly secret: KeyObject
  /** Monotonic milliseconds. */
  readonly until: number
}

/** Each process that sends makes a data key every five minutes. */
const mostKept = 1_000
/** How long a master key that the provider no longer has goes on working. */
const keepMs = 3_600_000

/** Unwraps data keys and remembers them, so that the provider is asked once per data key and not per message. */
export class ReceivedKeys {
  readonly #keys: KeyProvider
  readonly #timeoutMs: number
  readonly #kept = new Map<string, Kept>()
  readonly #asking = new Map<string, Promise<ReceivedKey>>()

  constructor(keys: KeyProvider, timeoutMs: number) {
    this.#keys = keys
    this.#timeoutMs = timeoutMs
  }

  /** Rejects or throws when the provider does, or gives something that is no key. */
  of(envelope: Envelope, clock: Clock): MaybePromise<ReceivedKey> {
    const name = `${envelope.wrapped} ${envelope.keyId}`
    const kept = this.#kept.get(name)
    if (kept !== undefined && clock.monotonic() < kept.until) return kept.secret
    const asking = this.#asking.get(name)
    if (asking !== undefined) return asking
    const master = promised(this.#keys.keyById(envelope.keyId))
    if (!(master instanceof Promise)) return this.#unwrapped(master, name, envelope, clock)
    const answer = this.#ask(master, name, envelope, clock)
    this.#asking.set(name, answer)
    return answer
  }

  async #ask(answer: Promise<MasterKeyMaterial | undefined>, name: string, envelope: Envelope, clock: Clock): Promise<ReceivedKey> {
    try {
      const master = await within({ clock, timeoutMs: this.#timeoutMs, what: 'the key provider' }, () => answer)
      return this.#unwrapped(master, name, envelope, clock)
    } finally {
      this.#asking.delete(name)
    }
  }

  #unwrapped(master: MasterKeyMaterial | undefined, name: string, { keyId, wrapped }: Envelope, clock: Clock): ReceivedKey {
    if (master === undefined) return 'unknown'
    const secret = unwrap(wrapped, secretOf(master, keyId))
    if (secret === undefined) return 'wrong'
    if (this.#kept.size >= mostKept) this.#kept.delete(this.#kept.keys().next().value as string)
    this.#kept.set(name, { secret, until: clock.monotonic() + keepMs })
    return secret
  }
}
