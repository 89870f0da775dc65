import { calledTwice } from './compose.ts'
import type { SendContext, SendFunction, SendMiddleware, SendReceipt } from './types.ts'

/** Runs one message through the middlewares, then through `send`, which is given the context as they left it. */
export type SendChain = (context: SendContext, send: (context: SendContext) => Promise<SendReceipt>) => Promise<SendReceipt>

/** Outermost first. Always answers with a promise, also where a middleware throws before its first `await`. */
export function composeSend(middlewares: readonly (SendMiddleware | SendFunction)[]): SendChain {
  return middlewares.reduceRight<SendChain>(
    (inner, middleware) => sendLink(middleware, inner),
    (context, send) => send(context),
  )
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
