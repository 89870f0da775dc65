import { BrokerError, type Clock, type MaybePromise } from '@busbar/core/driver'

/** What `call` answers, or `ERR_TIMEOUT` when that takes longer than `ms`. `doing` begins its text. */
export async function within<T>(clock: Clock, ms: number, doing: string, call: () => MaybePromise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = clock.timer(clock.monotonic() + ms, () =>
    late.reject(new BrokerError('ERR_TIMEOUT', `kinesis: ${doing}: there was no answer within ${ms} ms`, { driver: 'kinesis' })),
  )
  try {
    return await Promise.race([call(), late.promise])
  } finally {
    timer.cancel()
  }
}
