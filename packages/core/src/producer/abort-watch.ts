import type { PendingSend } from './pending.ts'

interface Watched {
  readonly pendings: Set<PendingSend>
  readonly onAbort: () => void
}

/** Messages that their caller's signal may end. One listener per signal, however many messages share it: listeners are kept in a list that is searched at every change. */
export class AbortWatch {
  readonly #abort: (pending: PendingSend, signal: AbortSignal) => void
  readonly #signals: Map<AbortSignal, Watched> = new Map()

  constructor(abort: (pending: PendingSend, signal: AbortSignal) => void) {
    this.#abort = abort
  }

  /** Until the message is settled. */
  add(pending: PendingSend, signal: AbortSignal): void {
    if (pending.state === 'settled') return
    // It may have fired while this part was being loaded.
    if (signal.aborted) return this.#abort(pending, signal)
    const watched = this.#signals.get(signal) ?? this.#listen(signal)
    watched.pendings.add(pending)
    pending.onSettled = () => {
      watched.pendings.delete(pending)
      if (watched.pendings.size > 0 || this.#signals.get(signal) !== watched) return
      this.#signals.delete(signal)
      signal.removeEventListener('abort', watched.onAbort)
    }
  }

  #listen(signal: AbortSignal): Watched {
    const pendings = new Set<PendingSend>()
    const onAbort = (): void => {
      this.#signals.delete(signal)
      for (const pending of pendings) this.#abort(pending, signal)
    }
    const watched = { pendings, onAbort }
    this.#signals.set(signal, watched)
    signal.addEventListener('abort', onAbort, { once: true })
    return watched
  }
}
