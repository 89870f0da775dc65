import { Directive } from '../outcome.ts'
import type { Run } from './run.ts'
import type { Consumer } from './types.ts'

interface Parked {
  readonly run: Run
  readonly reject: (error: unknown) => void
}

/** What the iterator needs to begin: a handler for every run, and what to call when no more will start. */
export type Begin = (handler: (run: Run) => Promise<unknown>, onStop: () => void) => Promise<Consumer>

/** Messages as an async iterable: a handler that parks every run until it is settled, and a queue in front of the loop. */
export class MessageIterator<Received> implements AsyncIterableIterator<Received>, AsyncDisposable {
  readonly #begin: Begin
  /** Not handed out yet, in order of arrival. */
  readonly #arrived: Set<Parked> = new Set()
  #waiting: PromiseWithResolvers<IteratorResult<Received>>[] = []
  #consumer: Promise<Consumer> | undefined
  #failure: { readonly error: unknown } | undefined
  #ended = false
  #watching = false

  constructor(begin: Begin) {
    this.#begin = begin
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<Received>> {
    if (!this.#ended) await this.#start()
    const [parked] = this.#arrived
    if (parked) {
      this.#arrived.delete(parked)
      return { done: false, value: messageOf(parked.run) }
    }
    if (this.#failure) throw this.#failure.error
    if (this.#ended) return { done: true, value: undefined }
    const waiting = Promise.withResolvers<IteratorResult<Received>>()
    this.#waiting.push(waiting)
    return waiting.promise
  }

  /** Leaving the loop: what is not settled goes back to the broker. */
  async return(): Promise<IteratorResult<Received>> {
    this.#ended = true
    const consumer = await this.#consumer?.catch(() => undefined)
    await consumer?.close()
    this.#end()
    return { done: true, value: undefined }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  /** Begins once, however many ask at the same time; a failure ends the iteration for all of them. */
  async #start(): Promise<void> {
    this.#consumer ??= this.#begin(this.#park, this.#giveBack)
    try {
      const consumer = await this.#consumer
      if (this.#watching) return
      this.#watching = true
      consumer.closed.then(() => this.#end(), this.#fail)
    } catch (error) {
      this.#fail(error)
    }
  }

  readonly #park = (run: Run): Promise<unknown> =>
    new Promise<void>((resolve, reject) => {
      // It may have fired before the run came here: what is asynchronous stands before it.
      const { reason } = run
      if (reason) {
        reject(reason)
        return
      }
      const parked = { run, reject }
      run.onDecided = resolve
      run.onAborted = (reason) => {
        this.#arrived.delete(parked)
        reject(reason)
      }
      const waiting = this.#waiting.shift()
      if (waiting) waiting.resolve({ done: false, value: messageOf(run) })
      else this.#arrived.add(parked)
    })

  /** The consumer ends: what the loop has not been given goes back, and no start of it counts. */
  readonly #giveBack = (): void => {
    for (const { reject } of this.#arrived) reject(new Directive('retry', { counts: false }))
    this.#arrived.clear()
  }

  readonly #fail = (error: unknown): void => {
    this.#failure ??= { error }
    this.#end()
  }

  #end(): void {
    this.#ended = true
    this.#arrived.clear()
    for (const waiting of this.#waiting.splice(0)) {
      if (this.#failure) waiting.reject(this.#failure.error)
      else waiting.resolve({ done: true, value: undefined })
    }
  }
}

/** Of the type that the loop expects. */
function messageOf(run: Run): never {
  return run.message as never
}
