/** An async iterable that is made when it is first asked for something. Leaving it before that makes nothing. */
export class LazyIterable<T> implements AsyncIterableIterator<T>, AsyncDisposable {
  readonly #make: () => Promise<AsyncIterator<T>>
  #made: Promise<AsyncIterator<T>> | undefined
  #left = false

  constructor(make: () => Promise<AsyncIterator<T>>) {
    this.#make = make
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<T>> {
    if (this.#left && !this.#made) return { done: true, value: undefined }
    return (await (this.#made ??= this.#make())).next()
  }

  async return(): Promise<IteratorResult<T>> {
    this.#left = true
    await (await this.#made)?.return?.()
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }
}
