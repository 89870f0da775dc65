import type { MaybePromise } from '../driver/fenced-store.ts'
import { promised } from '../promised.ts'
import type { ProcessContext, ProcessFunction, ProcessMiddleware } from './types.ts'

/** Runs one message through the middlewares, then through `handler`. The same `handler` may serve all messages. */
export type ProcessChain = (context: ProcessContext, handler: (context: ProcessContext) => MaybePromise<unknown>) => MaybePromise<unknown>

/**
 * Outermost first. Synchronous as long as everything in it is: no promise is made here. Costs one closure per middleware and message.
 * Throws a `TypeError` where a middleware calls `next()` twice.
 */
export function composeProcess(middlewares: readonly (ProcessMiddleware | ProcessFunction)[]): ProcessChain {
  return middlewares.reduceRight<ProcessChain>(
    (inner, middleware) => processLink(middleware, inner),
    (context, handler) => handler(context),
  )
}

function processLink(middleware: ProcessMiddleware | ProcessFunction, inner: ProcessChain): ProcessChain {
  const run = typeof middleware === 'function' ? middleware : middleware.process.bind(middleware)
  const name = middleware.name
  return (context, handler) => {
    let called = false
    return promised(
      run(context, () => {
        if (called) throw calledTwice(name)
        called = true
        return inner(context, handler)
      }),
    )
  }
}

/** For a middleware that would send the message through the rest of the chain once more. */
export function calledTwice(name: string): TypeError {
  return new TypeError(`middleware '${name || 'anonymous'}' called next() twice; a message goes through the rest of the chain once`)
}
