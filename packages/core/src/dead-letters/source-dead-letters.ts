import type { AnySource, InputOf, OutputOf, ParametersOf, Queue } from '../definitions/types.ts'
import { load } from '../lazy.ts'
import type { DeadLetterOperations, OperationServices, Whereabouts } from './operations.ts'
import type { DeadLetter, DeadLetterFilter, DeadLetters, PagesOptions, RedriveOptions } from './types.ts'

/** The dead letters of one source, as users hold them; connects and loads what it needs on first use. */
export class SourceDeadLetters<S extends AnySource> implements DeadLetters<S> {
  readonly queue: Queue<InputOf<S>, OutputOf<S>, never, never, ParametersOf<S>>
  readonly #services: OperationServices
  readonly #open: () => Promise<Whereabouts>

  constructor(queue: Queue<InputOf<S>, OutputOf<S>, never, never, ParametersOf<S>>, services: OperationServices, open: () => Promise<Whereabouts>) {
    this.queue = queue
    this.#services = services
    this.#open = open
  }

  async peek(options?: DeadLetterFilter): Promise<readonly DeadLetter[]> {
    return (await this.#operations()).peek(options)
  }

  async *pages(options?: PagesOptions): AsyncIterable<readonly DeadLetter[]> {
    yield* (await this.#operations()).pages(options)
  }

  async redrive(options?: RedriveOptions): Promise<{ readonly moved: number; readonly skipped: number }> {
    return (await this.#operations()).redrive(options)
  }

  async discard(options?: DeadLetterFilter): Promise<{ readonly discarded: number; readonly skipped: number }> {
    return (await this.#operations()).discard(options)
  }

  async #operations(): Promise<DeadLetterOperations> {
    const whereabouts = await this.#open()
    const { DeadLetterOperations, placeOf } = await load(this.#services.clock, 'deadLetters')
    return new DeadLetterOperations(placeOf(whereabouts), this.#services)
  }
}
