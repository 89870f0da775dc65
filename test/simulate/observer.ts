import type { ProcessContext, ProcessMiddleware } from '@busbar/core'
import { keyIn, type Bodies } from './bodies.ts'
import type { Process } from './process.ts'

/** Outermost in the process chain: sees when a start of a handler is over, its completion included, and what middleware are told of its settlement. */
export function observer(process: Process, bodies: Bodies): ProcessMiddleware {
  const keys = new WeakMap<ProcessContext, string>()
  return {
    name: 'observer',
    stage: 'telemetry',
    process(context, next) {
      const { id, headers } = context.incoming
      const key = keyIn(headers)
      if (key !== undefined) keys.set(context, key)
      const over = (): void => process.closed(id ?? '')
      const value = next()
      if (value instanceof Promise) return value.finally(over)
      over()
      return value
    },
    settled(context, { action, result }) {
      const key = keys.get(context)
      if (key !== undefined && action === 'ack' && (result === 'durable' || result === 'accepted')) bodies.told(key)
    },
  }
}
