import type { StreamDescriptionSummary } from '@aws-sdk/client-kinesis'
import type { Change } from '@busbar/core/driver'
import { addressOf, type StreamName } from '../names.ts'
import type { ResolvedRouteOptions } from '../route-options.ts'

/** Ways in which an existing stream is brought to what a route asks for. */
export type Step =
  | { readonly kind: 'mode'; readonly mode: 'ON_DEMAND' | 'PROVISIONED' }
  | { readonly kind: 'shards'; readonly shards: number }
  | { readonly kind: 'retention'; readonly hours: number }
  | { readonly kind: 'encryption'; readonly keyId: string }
  | { readonly kind: 'recordSize'; readonly kib: number }

/** One thing in which a stream differs; without a step it is a conflict. */
export interface Difference {
  readonly step?: Step
  readonly change: Change
}

/** What the stream lacks of what the route asks for, in the order in which it is to be changed. */
export function differencesOf(stream: StreamName, route: ResolvedRouteOptions, current: StreamDescriptionSummary): readonly Difference[] {
  const what = addressOf(stream)
  return [...capacity(what, route, current), ...retention(what, route, current), ...encryption(what, route, current), ...recordSize(what, route, current)]
}

function capacity(what: string, { capacity: wanted }: ResolvedRouteOptions, { StreamModeDetails, OpenShardCount = 0 }: StreamDescriptionSummary): Difference[] {
  const current = StreamModeDetails?.StreamMode ?? 'PROVISIONED'
  if (wanted === undefined) return []
  if (wanted === 'on-demand')
    return current === 'ON_DEMAND'
      ? []
      : [update(what, { kind: 'mode', mode: 'ON_DEMAND' }, `Let ${what} scale by itself (on-demand).`, 'kinesis:UpdateStreamMode')]
  const { shards } = wanted
  const mode =
    current === 'PROVISIONED'
      ? []
      : [update(what, { kind: 'mode', mode: 'PROVISIONED' }, `Give ${what} a fixed number of shards (provisioned).`, 'kinesis:UpdateStreamMode')]
  if (shards === OpenShardCount) return mode
  if (shards > OpenShardCount * 2 || shards * 2 < OpenShardCount)
    return [...mode, conflict(what, `${what} has ${OpenShardCount} shards, and Kinesis at most doubles or halves them at once: go to ${shards} in steps.`)]
  return [...mode, update(what, { kind: 'shards', shards }, `Reshard ${what} from ${OpenShardCount} to ${shards} shards.`, 'kinesis:UpdateShardCount')]
}

function retention(what: string, { retentionMs }: ResolvedRouteOptions, { RetentionPeriodHours = 24 }: StreamDescriptionSummary): Difference[] {
  if (retentionMs === undefined) return []
  const hours = retentionMs / 3_600_000
  if (hours === RetentionPeriodHours) return []
  if (hours < RetentionPeriodHours)
    return [conflict(what, `${what} keeps records for ${RetentionPeriodHours} hours: lowering that to ${hours} deletes records, so it is left to you.`)]
  return [
    update(
      what,
      { kind: 'retention', hours },
      `Keep records of ${what} for ${hours} hours; it is ${RetentionPeriodHours}.`,
      'kinesis:IncreaseStreamRetentionPeriod',
    ),
  ]
}

function encryption(what: string, { kmsKeyId }: ResolvedRouteOptions, { EncryptionType, KeyId }: StreamDescriptionSummary): Difference[] {
  if (kmsKeyId === undefined || (EncryptionType === 'KMS' && isSameKey(kmsKeyId, KeyId ?? ''))) return []
  return [update(what, { kind: 'encryption', keyId: kmsKeyId }, `Encrypt ${what} with the key ${kmsKeyId}.`, 'kinesis:StartStreamEncryption')]
}

/** The service may tell of a key or alias by its ARN. */
function isSameKey(wanted: string, current: string): boolean {
  return current === wanted || (current.startsWith('arn:') && (current.endsWith(`:key/${wanted}`) || current.endsWith(`:${wanted}`)))
}

function recordSize(what: string, { maxRecordBytes }: ResolvedRouteOptions, { MaxRecordSizeInKiB = 1_024 }: StreamDescriptionSummary): Difference[] {
  const kib = maxRecordBytes / 1_024
  if (kib <= MaxRecordSizeInKiB) return []
  return [update(what, { kind: 'recordSize', kib }, `Let ${what} take records of ${kib} KiB; it takes ${MaxRecordSizeInKiB}.`, 'kinesis:UpdateMaxRecordSize')]
}

function update(resource: string, step: Step, text: string, permission: string): Difference {
  return { step, change: { resource, kind: 'update', text, permission } }
}

function conflict(resource: string, text: string): Difference {
  return { change: { resource, kind: 'conflict', text } }
}
