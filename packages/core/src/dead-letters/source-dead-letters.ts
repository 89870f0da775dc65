import type { AnySource } from '../definitions/types.ts'
import type { DeadLetterOperations } from './operations.ts'
import type { DeadLetters } from './types.ts'

/** The dead letters of one source, as users hold them: `open` connects and loads what the operations need. */
export function sourceDeadLetters<S extends AnySource>(queue: DeadLetters<S>['queue'], open: () => Promise<DeadLetterOperations>): DeadLetters<S> {
  return {
    queue,
    peek: async (options) => (await open()).peek(options),
    async *pages(options) {
      yield* (await open()).pages(options)
    },
    redrive: async (options) => (await open()).redrive(options),
    discard: async (options) => (await open()).discard(options),
  }
}
