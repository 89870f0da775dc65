/** How streams of one broker behave. Pure data. */
export interface StreamBehaviour {
  /** Shards of a stream unless its options say otherwise. */
  readonly shards: number
  /** How long records are kept, in milliseconds, unless its options say otherwise. */
  readonly retentionMs: number
  readonly firstSequence: bigint
  /** Takes up to so much per shard and second, if throttling is switched on. */
  readonly write: { readonly bytes: number; readonly records: number }
}
