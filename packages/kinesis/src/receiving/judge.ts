import type { BrokerError } from '@busbar/core/driver'
import { isExpiredToken, kinesisError } from '../errors.ts'
import { addressOf } from '../names.ts'
import type { GroupContext } from './group-context.ts'
import type { Verdict } from './shard-reading.ts'
import { identityOf } from './stream-identity.ts'

/** A stream that is gone, or that may not be read any more, for so long does not come back by itself. */
const giveUpAfterMs = 60_000

/** What is to be done about a shard that cannot be read. Never rejects. */
export async function judge(error: BrokerError, shard: string, sinceMs: number, context: GroupContext): Promise<Verdict> {
  const { code } = error
  if (code === 'ERR_NOT_FOUND' || code === 'ERR_INVALID') {
    const found = await looked(error, shard, context).catch(() => 'again' as const)
    if (found !== 'again') return found
  }
  // Credentials that have run out only have to be renewed.
  if (isExpiredToken(error)) return 'again'
  return (code === 'ERR_NOT_FOUND' || code === 'ERR_ACCESS_DENIED') && sinceMs >= giveUpAfterMs ? { fatal: error } : 'again'
}

/**
 * Where another stream has the name of the one that was read: an error that ends the receiver, since positions of the old one mean nothing there. Otherwise what else
 * the stream is like now counts from now on. Throws `BrokerError`.
 */
export async function replacedStream(context: GroupContext): Promise<BrokerError | undefined> {
  const { parts, identity } = context
  const what = addressOf(parts.stream)
  const found = await identityOf(parts.api, parts.stream, { doing: `Looking at ${what}` })
  if (found.id === identity.id) {
    context.identity = found
    return undefined
  }
  const text = `${what} was deleted and made anew while it was read; consume it again to read the new one from where the subscription starts`
  return kinesisError('ERR_NOT_FOUND', text)
}

/** Is it another stream than it was, or has the shard expired? */
async function looked({ code }: BrokerError, shard: string, context: GroupContext): Promise<Verdict> {
  const { listShards, parts } = context
  const { stream, services } = parts
  const fatal = await replacedStream(context)
  if (fatal !== undefined) return { fatal }
  if (code !== 'ERR_NOT_FOUND' || (await listShards()).some((each) => each.id === shard)) return 'again'
  services.log('warn', 'shard:expired', { stream: stream.name, shard })
  return 'expired'
}
