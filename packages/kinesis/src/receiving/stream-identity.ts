import type { Api, CallContext } from '../api.ts'
import type { StreamName } from '../names.ts'

/** What a group has to know of its stream. */
export interface StreamIdentity {
  /** Differs from that of a stream of the same name that was there before: that one's shards had the same names, and other records. */
  readonly id: string
  /** How long records are kept, in milliseconds. */
  readonly retentionMs: number
  /** Keys say nothing: the service distributes records by itself. */
  readonly distributesByItself: boolean
}

const defaultRetentionHours = 24

/** As it is now, or was up to `maxAgeMs` ago. Throws `BrokerError`. */
export async function identityOf(api: Api, stream: StreamName, context: CallContext, maxAgeMs = 0): Promise<StreamIdentity> {
  const { StreamARN, StreamCreationTimestamp, RetentionPeriodHours, RecordDistributionStrategy } = await api.describe(stream, context, maxAgeMs)
  return {
    id: `${StreamARN ?? stream.arn ?? stream.name}@${StreamCreationTimestamp?.getTime() ?? 0}`,
    retentionMs: (RetentionPeriodHours ?? defaultRetentionHours) * 3_600_000,
    distributesByItself: RecordDistributionStrategy === 'AUTO',
  }
}

/** What all keys of a group in the lease store begin with. */
export function groupOf({ id }: StreamIdentity, subscription: string): string {
  return `kinesis/${id}/${subscription}`
}
