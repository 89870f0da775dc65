/**
 * A message whose attempts are used up, where `onExhausted` is `block`: it is tried again every 30 s, and its key waits. Or one that is given up and whose dead letter
 * fits nowhere, on a backend that cannot put it aside itself: the dead letter is written again every 30 s or sooner.
 */
export interface BlockedKey {
  /** `undefined` for a message without an ordering key, which blocks nothing but itself. */
  readonly key: string | undefined
  readonly messageId: string | undefined
  /** Handler starts so far. */
  readonly attempts: number
  readonly reason: string
  /** What the last attempt ended with. */
  readonly error: unknown
  /** Milliseconds since the epoch. */
  readonly firstFailureAt: number
  /** Messages of the key that are held behind it. */
  readonly waiting: number
}

export interface BlockedKeysOptions {
  /** Only those for which it returns true. Default: all. */
  readonly where?: (blocked: BlockedKey) => boolean
}

export interface SkipOptions extends BlockedKeysOptions {
  /** Kept with the dead letter. Default: `skipped by an operator`. */
  readonly reason?: string
}

/** The blocked keys of a source, as the consumers of this process see them. */
export interface BlockedKeys {
  list(): Promise<readonly BlockedKey[]>
  /** Tries again at once instead of when their wait is over, but for dead letters that do not fit. Returns how many. */
  retry(options?: BlockedKeysOptions): Promise<number>
  /** Gives the blocked messages up, to the dead letters if the source has a place for them, so that their keys go on; what is being tried just now is given up if it fails. One whose dead letter fits nowhere is dropped, within 30 s. Returns how many. */
  skip(options?: SkipOptions): Promise<number>
}
