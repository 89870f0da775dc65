import { Fifo } from '../fifo.ts'
import type { Message } from '../message.ts'
import type { Run } from './run.ts'
import type { Consumer } from './types.ts'

/** Messages as an async iterable: a handler that parks every run until it is settled, and a queue in front of the loop. */
export class MessageIterator<Body> implements AsyncIterableIterator<Message<Body>>, AsyncDisposable {
  readonly #begin: (handler: (run: Run) => Promise<unknown>) => Promise<Consumer>
  readonly #arrived: Fifo<Message<Body>> = new Fifo()
  #waiting: PromiseWithResolvers<IteratorResult<Message<Body>>>[] = []
  #consumer: Promise<Consumer> | undefined
  #failure: { readonly error: unknown } | undefined
  #ended = false

  constructor(begin: (handler: (run: Run) => Promise<unknown>) => Promise<Consumer>) {
    this.#begin = begin
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Message<Body>>> {
    await this.#start()
    const message = this.#arrived.shift()
    if (message) return { done: false, value: message }
    if (this.#failure) throw this.#failure.error
    if (this.#ended) return { done: true, value: undefined }
    const waiting = Promise.withResolvers<IteratorResult<Message<Body>>>()
    this.#waiting.push(waiting)
    return waiting.promise
  }

  /** Leaving the loop: what is not settled goes back to the broker. */
  async return(): Promise<IteratorResult<Message<Body>>> {
    if (this.#consumer) await (await this.#consumer).close()
    this.#end()
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  async #start(): Promise<void> {
    if (this.#consumer) return
    this.#consumer = this.#begin(this.#park)
    const consumer = await this.#consumer
    consumer.closed.then(
      () => this.#end(),
      (error: unknown) => {
        this.#failure = { error }
        this.#end()
      },
    )
  }

  readonly #park = (run: Run): Promise<unknown> =>
    new Promise<void>((resolve, reject) => {
      run.onDecided = resolve
      run.signal.addEventListener('abort', () => reject(run.signal.reason as Error), { once: true })
      const message = run.message as unknown as Message<Body>
      const waiting = this.#waiting.shift()
      if (waiting) waiting.resolve({ done: false, value: message })
      else this.#arrived.push(message)
    })

  #end(): void {
    this.#ended = true
    this.#arrived.clear()
    for (const waiting of this.#waiting.splice(0)) {
      if (this.#failure) waiting.reject(this.#failure.error)
      else waiting.resolve({ done: true, value: undefined })
    }
  }
}
