import type { MaybePromise } from '../driver/fenced-store.ts'
import { promised } from '../promised.ts'
import type { ProcessContext, ProcessFunction, ProcessMiddleware, SendContext, SendFunction, SendMiddleware, SendReceipt } from './types.ts'

/** Runs one message through the middlewares, then through `handler`. The same `handler` may serve all messages. */
export type ProcessChain = (context: ProcessContext, handler: (context: ProcessContext) => MaybePromise<unknown>) => MaybePromise<unknown>

/** Runs one message through the middlewares, then through `send`, which is given the context as they left it. */
export type SendChain = (context: SendContext, send: (context: SendContext) => Promise<SendReceipt>) => Promise<SendReceipt>

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

/** Outermost first. Always answers with a promise, also where a middleware throws before its first `await`. */
export function composeSend(middlewares: readonly (SendMiddleware | SendFunction)[]): SendChain {
  return middlewares.reduceRight<SendChain>(
    (inner, middleware) => sendLink(middleware, inner),
    (context, send) => send(context),
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

function sendLink(middleware: SendMiddleware | SendFunction, inner: SendChain): SendChain {
  const run = typeof middleware === 'function' ? middleware : middleware.send.bind(middleware)
  const name = middleware.name
  return async (context, send) => {
    let called = false
    return run(context, async () => {
      if (called) throw calledTwice(name)
      called = true
      return inner(context, send)
    })
  }
}

function calledTwice(name: string): TypeError {
  return new TypeError(`middleware '${name || 'anonymous'}' called next() twice; a message goes through the rest of the chain once`)
}
