import { encodeEvent, messagesOf, payloadOf } from './event-stream.ts'

interface ListedShard {
  readonly ShardId: string
  readonly ParentShardId?: string
  readonly AdjacentParentShardId?: string
  readonly HashKeyRange: unknown
}

/** What Kinesis says of a shard that came from another one. */
export type ChildShard = Readonly<Record<'ShardId' | 'ParentShards' | 'HashKeyRange', unknown>>

/** As they are listed. */
export function childrenOf(shard: string, shards: readonly ListedShard[]): readonly ChildShard[] {
  return shards
    .map(({ ShardId, HashKeyRange, ParentShardId, AdjacentParentShardId }) => ({
      ShardId,
      ParentShards: [ParentShardId, AdjacentParentShardId].filter((parent) => parent !== undefined),
      HashKeyRange,
    }))
    .filter(({ ParentShards }) => ParentShards.includes(shard))
}

/**
 * The events of a subscription, which ends with one that names the children when a shard that has some has been read: as Kinesis does, where `kinesis-local` 0.6.2 sends empty
 * events for ever. `children`: as they are now.
 */
export async function* withShardEnd(chunks: AsyncIterable<Uint8Array>, children: () => Promise<readonly ChildShard[]>): AsyncGenerator<Uint8Array> {
  let found: readonly ChildShard[] = []
  for await (const message of messagesOf(chunks)) {
    const { Records } = payloadOf(message) as { readonly Records?: readonly unknown[] }
    const isEmpty = Records?.length === 0
    // What was written just before it was closed may come behind the first of these events, not behind the second.
    if (isEmpty && found.length > 0) return yield encodeEvent('event', 'SubscribeToShardEvent', { Records: [], MillisBehindLatest: 0, ChildShards: found })
    yield message
    if (isEmpty) found = await children()
  }
}
