import type { BrokerOptions, ProvisionMode } from '@busbar/core'
import { assertKnownKeys, endpointsOf, suggestion, type PlannedEndpoint } from '@busbar/core/driver'
import { configuration } from '../errors.ts'
import { KinesisDriver } from '../kinesis-driver.ts'
import { addressOf, streamOf } from '../names.ts'
import { needsConsumer } from '../provisioning/subscriptions.ts'
import { subscriptionName } from '../receiving/group-context.ts'
import { resolveRouteOptions } from '../route-options.ts'

/** What a program does. `send`: with a stream, topic or queue. `consume`: with a queue or a subscription (`positions.tracker`); also writes its dead letters. `redrive`: looks at dead letters and redrives them. */
export type KinesisRole = 'send' | 'consume' | 'redrive'

export interface RequiredPolicyOptions {
  /** Twelve digits: that of all streams which no route names by ARN. */
  readonly account: string
  /** Default: the option `region` of the driver. */
  readonly region?: string
  /** `aws-cn`, `aws-us-gov`. Default `aws`. */
  readonly partition?: string
  /** By the names of destinations, and of subscriptions as `positions.tracker`. A stream that is not named is only looked at by `start`. */
  readonly roles: Readonly<Record<string, readonly KinesisRole[]>>
  /** Default: that of the broker's options, which is `verify` unless they say otherwise. */
  readonly provision?: ProvisionMode
}

export interface IamStatement {
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
}

/** A policy document of IAM. */
export interface IamPolicy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly IamStatement[]
}

const roleNames: readonly string[] = ['send', 'consume', 'redrive'] satisfies KinesisRole[]
const sending = ['PutRecords', 'ListShards', 'DescribeStreamSummary']
const reading = ['GetShardIterator', 'GetRecords', 'ListShards', 'DescribeStreamSummary']

/**
 * The IAM policy that a program needs which runs with these options: each action, on the streams where it is called and on no others. Pure; asks nobody.
 * What other drivers and the store for leases need is not in it; keys of KMS are where their key is given by its ARN.
 *
 * ```ts
 * console.log(JSON.stringify(requiredPolicy({ driver, destinations }, { account: '123456789012', roles: { 'positions.tracker': ['consume'] } }), undefined, 2))
 * ```
 * Throws `ERR_CONFIGURATION` for roles of what there is not, a missing region and what `createBroker` refuses.
 */
export function requiredPolicy(broker: BrokerOptions, options: RequiredPolicyOptions): IamPolicy {
  assertKnownKeys('requiredPolicy', options, ['account', 'region', 'partition', 'roles', 'provision'])
  if (!/^\d{12}$/.test(options.account)) throw configuration('requiredPolicy: account must be twelve digits')
  const all = endpointsOf(broker)
  checkRoles(options.roles, all)
  const provision = options.provision ?? broker.provision ?? 'verify'
  const grants = new Map<string, Set<string>>()
  const allow: Allow = (resource, actions) => {
    const known = grants.get(resource) ?? new Set()
    grants.set(resource, known)
    for (const action of actions) known.add(action.includes(':') ? action : `kinesis:${action}`)
  }
  for (const planned of all) {
    const { driver } = planned
    if (!(driver instanceof KinesisDriver)) continue
    const arn = arnOf(planned, driver, options)
    allow(arn, ['DescribeStreamSummary'])
    if (provision !== 'none' && needsConsumer(planned.endpoint)) allowConsumer(planned, arn, ['DescribeStreamConsumer'], allow)
    if (provision === 'create') allowProvisioning(planned, arn, allow)
    for (const role of options.roles[labelOf(planned)] ?? []) allowRole(role, planned, options, allow)
  }
  return { Version: '2012-10-17', Statement: statementsOf(grants) }
}

type Allow = (resource: string, actions: readonly string[]) => void

function allowRole(role: KinesisRole, planned: PlannedEndpoint, options: RequiredPolicyOptions, allow: Allow): void {
  const place = planned.deadLetter
  if (role === 'send') allowSending(planned, options, allow)
  else if (role === 'consume') {
    allowReading(planned, options, allow)
    if (place !== undefined) allowSending(place, options, allow)
  } else if (place !== undefined) {
    allowReading(place, options, allow)
    allowSending(planned, options, allow)
  }
}

function allowSending(planned: PlannedEndpoint, options: RequiredPolicyOptions, allow: Allow): void {
  const { driver } = planned
  if (!(driver instanceof KinesisDriver)) return
  allow(arnOf(planned, driver, options), sending)
  allowKey(planned, 'kms:GenerateDataKey', allow)
}

function allowReading(planned: PlannedEndpoint, options: RequiredPolicyOptions, allow: Allow): void {
  const { driver, endpoint } = planned
  if (!(driver instanceof KinesisDriver)) return
  const arn = arnOf(planned, driver, options)
  allow(arn, reading)
  allowKey(planned, 'kms:Decrypt', allow)
  if (needsConsumer(endpoint)) allowConsumer(planned, arn, ['DescribeStreamConsumer', 'SubscribeToShard'], allow)
}

function allowConsumer({ endpoint }: PlannedEndpoint, arn: string, actions: readonly string[], allow: Allow): void {
  // The number behind a consumer's name is that of the second in which it was registered.
  allow(`${arn}/consumer/${subscriptionName(endpoint)}:*`, actions)
  // A consumer that is asked for by its name is looked for in the stream.
  allow(arn, ['DescribeStreamConsumer'])
}

function allowProvisioning({ endpoint }: PlannedEndpoint, arn: string, allow: Allow): void {
  const { capacity, retentionMs, kmsKeyId, maxRecordBytes } = resolveRouteOptions(endpoint)
  const { startFrom } = endpoint.subscription ?? {}
  allow(arn, ['CreateStream', 'ListShards'])
  if (capacity !== undefined) allow(arn, ['UpdateStreamMode'])
  if (typeof capacity === 'object') allow(arn, ['UpdateShardCount'])
  if (retentionMs !== undefined) allow(arn, ['IncreaseStreamRetentionPeriod'])
  if (kmsKeyId !== undefined) allow(arn, ['StartStreamEncryption'])
  if (maxRecordBytes > 1_048_576) allow(arn, ['UpdateMaxRecordSize'])
  if (needsConsumer(endpoint)) allow(arn, ['RegisterStreamConsumer'])
  // Where a subscription begins is written down then, and a position has to be found for it.
  if (typeof startFrom === 'object' && 'position' in startFrom) allow(arn, reading)
}

function allowKey({ endpoint }: PlannedEndpoint, action: string, allow: Allow): void {
  const { kmsKeyId } = resolveRouteOptions(endpoint)
  if (kmsKeyId?.startsWith('arn:') === true && kmsKeyId.includes(':key/')) allow(kmsKeyId, [action])
}

function labelOf({ definition, endpoint }: PlannedEndpoint): string {
  if (definition === undefined) return ''
  return endpoint.subscription === undefined ? endpoint.destination : `${endpoint.destination}.${endpoint.subscription.name}`
}

function checkRoles(roles: RequiredPolicyOptions['roles'], all: readonly PlannedEndpoint[]): void {
  const names = all.map(labelOf).filter((name) => name !== '')
  for (const [name, list] of Object.entries(roles)) {
    if (!names.includes(name)) throw configuration(`requiredPolicy: roles: there is no '${name}'${suggestion(name, names)}`)
    for (const role of list)
      if (!roleNames.includes(role)) throw configuration(`requiredPolicy: roles: there is no role '${role}'${suggestion(role, roleNames)}`)
  }
}

function arnOf({ endpoint }: PlannedEndpoint, { options: { region: ofDriver } }: KinesisDriver, options: RequiredPolicyOptions): string {
  const stream = streamOf(endpoint.name)
  if (stream.arn !== undefined) return stream.arn
  const { account, region = ofDriver, partition = 'aws' } = options
  if (region === undefined) throw configuration(`requiredPolicy: the region of ${addressOf(stream)} is not known; set region`)
  return `arn:${partition}:kinesis:${region}:${account}:stream/${stream.name}`
}

/** Resources with the same actions together. */
function statementsOf(grants: ReadonlyMap<string, ReadonlySet<string>>): readonly IamStatement[] {
  const byActions = Map.groupBy(grants, ([, actions]) => [...actions].toSorted().join())
  return [...byActions].map(([actions, group]) => ({ Effect: 'Allow', Action: actions.split(','), Resource: group.map(([resource]) => resource) }))
}
