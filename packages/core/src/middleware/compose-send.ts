import { calledTwice } from './compose.ts'
import type { SendContext, SendFunction, SendMiddleware, SendReceipt } from './types.ts'

/** Runs one message through the middlewares, then through `send`, which is given the context as they left it. */
export type SendChain = (context: SendContext, send: (context: SendContext) => Promise<SendReceipt>) => Promise<SendReceipt>

/** Outermost first. Always answers with a promise, also where a middleware throws before its first `await`; makes none where it is given one. */
export function composeSend(middlewares: readonly (SendMiddleware | SendFunction)[]): SendChain {
  return middlewares.reduceRight<SendChain>(
    (inner, middleware) => sendLink(middleware, inner),
    (context, send) => send(context),
  )
}

function sendLink(middleware: SendMiddleware | SendFunction, inner: SendChain): SendChain {
  const run = typeof middleware === 'function' ? middleware : middleware.send.bind(middleware)
  const name = middleware.name
  return (context, send) => {
    let called = false
    const next = (): Promise<SendReceipt> => {
      if (called) return Promise.reject(calledTwice(name))
      called = true
      return inner(context, send)
    }
    try {
      const answer = run(context, next)
      // From JavaScript anything may come.
      return answer instanceof Promise ? answer : Promise.resolve(answer)
    } catch (error) {
      const thrown = error as Error
      return Promise.reject(thrown)
    }
  }
}
