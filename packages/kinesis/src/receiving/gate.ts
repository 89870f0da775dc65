/** Open or closed; who waits at it goes on when it opens. */
export class Gate {
  #closed: PromiseWithResolvers<void> | undefined

  get isOpen(): boolean {
    return this.#closed === undefined
  }

  close(): void {
    this.#closed ??= Promise.withResolvers()
  }

  open(): void {
    this.#closed?.resolve()
    this.#closed = undefined
  }

  /** Resolves when it is open. */
  passed(): Promise<void> {
    return this.#closed?.promise ?? Promise.resolve()
  }
}
