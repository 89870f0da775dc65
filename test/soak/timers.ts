/** Timers of this process that are set and have not fired, also those that do not keep it alive, of which Node does not tell. */
export class LiveTimers implements Disposable {
  readonly #live: Map<unknown, string> = new Map()
  readonly #restore: () => void

  /** From now on. Before anything else is loaded: what holds on to the functions of before is not seen. */
  constructor() {
    const { setTimeout: setOnce, setInterval: setOften, clearTimeout: clearOnce, clearInterval: clearOften } = globalThis
    this.#restore = () => Object.assign(globalThis, { setTimeout: setOnce, setInterval: setOften, clearTimeout: clearOnce, clearInterval: clearOften })
    const live = this.#live
    const clearing = (clear: (timer: never) => void) => (timer: unknown) => {
      live.delete(timer)
      clear(timer as never)
    }
    const once = (callback: (...given: unknown[]) => void, ms?: number, ...given: unknown[]): unknown => {
      const timer = setOnce(
        (...args: unknown[]) => {
          live.delete(timer)
          callback(...args)
        },
        ms,
        ...given,
      )
      live.set(timer, whence())
      return timer
    }
    const often = (callback: (...given: unknown[]) => void, ms?: number, ...given: unknown[]): unknown => {
      const timer = setOften(callback, ms, ...given)
      live.set(timer, whence())
      return timer
    }
    Object.assign(globalThis, {
      setTimeout: Object.assign(once, setOnce),
      setInterval: often,
      clearTimeout: clearing(clearOnce as never),
      clearInterval: clearing(clearOften as never),
    })
  }

  [Symbol.dispose](): void {
    this.#restore()
  }

  get count(): number {
    return this.#live.size
  }

  /** Where each was set. */
  get places(): readonly string[] {
    return [...this.#live.values()]
  }
}

/** Where the caller of a timer function is. */
function whence(): string {
  const line = new Error('where').stack?.split('\n')[3] ?? ''
  return line.replace(/^\s+at /, '').replace(/\(?file:\S*\/(packages|test|node_modules)\//, '($1/')
}
