import type { ProcessMiddleware } from '@busbar/core'
import { makeContext, type ContextOptions, type TestContext } from './context.ts'
import type { Outgoing } from './send-context.ts'

/** The context in which a message arrives that was sent so. */
export function contextOf({ id, body, headers, type, contentType, key }: Outgoing, options: ContextOptions = {}): TestContext {
  return makeContext({
    id,
    body,
    headers,
    ...(type === undefined ? {} : { type }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(key === undefined ? {} : { key }),
    ...options,
  })
}

/** What comes of a message: the handler's value is `'handled'`. */
export async function processed(middleware: ProcessMiddleware, context: TestContext): Promise<unknown> {
  return middleware.process(context, () => 'handled')
}
