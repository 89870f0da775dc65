import type { Scope } from '../driver/receiver.ts'

/** Scopes that move to another process, with the number of their tasks that are still to be settled. */
export class Revocations {
  readonly #open: Map<Scope, { left: number; readonly done: () => void }> = new Map()

  has(scope: Scope): boolean {
    return this.#open.has(scope)
  }

  /** Resolves when the scope's `tasks` have left, or at `end`. */
  begin(scope: Scope, tasks: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#open.set(scope, { left: tasks, done: resolve })
    if (tasks === 0) resolve()
    return promise
  }

  /** One task of the scope less. */
  leave(scope: Scope): void {
    const open = this.#open.get(scope)
    if (open && --open.left === 0) open.done()
  }

  end(scope: Scope): void {
    this.#open.get(scope)?.done()
    this.#open.delete(scope)
  }
}
