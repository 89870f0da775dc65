/** How streams of one broker behave. Pure data. */
export interface StreamBehaviour {
  /** Shards of a stream unless its options say otherwise. */
  readonly shards: number
  /** How long records are kept, in milliseconds. */
  readonly retentionMs: number
  /** Evaluates filters of subscriptions at the broker. */
  readonly filters: boolean
  /** Per shard and second; `undefined`: unlimited. */
  readonly write: { readonly bytes: number; readonly records: number } | undefined
}
