/** Reasons not to start anything, counted. */
export class Suspensions {
  /** Called when the first is held and when the last is let go. */
  onChange: (() => void) | undefined
  readonly #held: Set<{ readonly onEnded: (() => void) | undefined }> = new Set()
  #ended = false

  get any(): boolean {
    return this.#held.size > 0
  }

  /** Until the function returned is called; calling it again does nothing. `onEnded` is called once if the consumer ends first, or has ended. */
  hold(onEnded?: () => void): () => void {
    if (this.#ended) {
      onEnded?.()
      return () => {}
    }
    const hold = { onEnded }
    this.#held.add(hold)
    if (this.#held.size === 1) this.onChange?.()
    return () => {
      if (this.#held.delete(hold) && this.#held.size === 0) this.onChange?.()
    }
  }

  /** The consumer has ended. */
  end(): void {
    this.#ended = true
    const held = [...this.#held]
    this.#held.clear()
    for (const { onEnded } of held) onEnded?.()
  }
}
