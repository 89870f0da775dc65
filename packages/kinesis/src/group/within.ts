import { within as endsWithin, type Clock, type MaybePromise } from '@busbar/core/driver'
import { kinesisError } from '../errors.ts'

/** What `call` answers, or `ERR_TIMEOUT` when that takes longer than `ms`. `doing` begins its text. */
export async function within<T>(clock: Clock, ms: number, doing: string, call: () => MaybePromise<T>): Promise<T> {
  const late = (): Error => kinesisError('ERR_TIMEOUT', `kinesis: ${doing}: there was no answer within ${ms} ms`)
  return endsWithin(Promise.resolve(call()), ms, clock, late)
}
