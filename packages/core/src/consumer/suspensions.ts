/** Reasons not to start anything, counted. */
export class Suspensions {
  /** Called when the first is held and when the last is let go. */
  onChange: (() => void) | undefined
  #held = 0

  get any(): boolean {
    return this.#held > 0
  }

  /** Until the function returned is called; calling it again does nothing. */
  hold(): () => void {
    if (++this.#held === 1) this.onChange?.()
    let held = true
    return () => {
      if (!held) return
      held = false
      if (--this.#held === 0) this.onChange?.()
    }
  }
}
