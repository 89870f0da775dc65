import { isBrokerError, type BrokerError } from '@busbar/core'
import { check, show } from './assert.ts'

/** `attempt` must reject with ERR_UNSUPPORTED, in a sentence that names `subject`. */
export async function expectRefusal(attempt: () => Promise<unknown>, subject: string): Promise<BrokerError> {
  const error = await rejectionOf(attempt, `what ${subject} cannot do`)
  check(isBrokerError(error) && error.code === 'ERR_UNSUPPORTED', () => `it is refused with ERR_UNSUPPORTED; got ${describe(error)}`)
  check(error.message.includes(subject), () => `the refusal names ${subject}: ${error.message}`)
  check(!error.retryable, 'a refusal is not retryable')
  return error
}

/** What `attempt` rejects with; a failure that says `what` was accepted if it does not. */
export async function rejectionOf(attempt: () => Promise<unknown>, what: string): Promise<unknown> {
  try {
    await attempt()
  } catch (error) {
    return error
  }
  check(false, `${what} is refused; it was accepted`)
  return undefined
}

export function describe(error: unknown): string {
  if (isBrokerError(error)) return `${error.code}: ${error.message}`
  return error instanceof Error ? `${error.name}: ${error.message}` : show(error)
}
