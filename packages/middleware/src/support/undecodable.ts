import { BrokerError, Directive, type ErrorCode, type ProcessContext } from '@busbar/core'

/** Gives the message up at once: its body cannot be had, and would not be next time either. `detail` must hold nothing of the body. */
export function undecodable(context: ProcessContext, reason: string, detail?: string, code: ErrorCode = 'ERR_UNDECODABLE'): Directive {
  const { id } = context.incoming
  const text = detail === undefined ? reason : `${reason}: ${detail}`
  const error = new BrokerError(code, text, { destination: context.source, ...(id === undefined ? {} : { messageId: id }) })
  return new Directive('dead-letter', { reason, error })
}

/** What was said from outside, fit for a text: short and without control characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 40).toWellFormed())
}
