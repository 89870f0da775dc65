import type { ProvisionMode, Queue } from '@busbar/core'
import type { Endpoint, PlannedEndpoint } from '@busbar/core/driver'
import { configuration } from './errors.ts'
import type { Grants } from './grants.ts'
import { addressOf, replyPrefix, type QueueName } from './names.ts'
import { resolveRouteOptions } from './route-options.ts'
import { SqsDriver } from './sqs-driver.ts'
import { wantedQueues } from './wanted-queues.ts'

/**
 * What a program does with a queue. `send`: also sends requests. `consume`: also answers them and writes dead letters. `redrive`: looks at dead letters, redrives and
 * discards them by copies. `move`: lets SQS move them back to the queue by a message move task.
 */
export type SqsRole = 'send' | 'consume' | 'redrive' | 'move'

/** Where resources are that no route names by URL or ARN. */
export interface PolicySurroundings {
  /** Twelve digits. */
  readonly account: string
  /** Default: the option `region` of the driver. */
  readonly region?: string
  /** `aws-cn`, `aws-us-gov`. Default `aws`. */
  readonly partition?: string
}

const receiving = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility']

/** What `start` calls on the queues of these endpoints, all of one driver. */
export function grantStart(
  endpoints: readonly Endpoint[],
  driver: SqsDriver,
  provision: ProvisionMode,
  surroundings: PolicySurroundings,
  grants: Grants,
): void {
  for (const wanted of wantedQueues(endpoints, driver.options)) {
    const arn = arnOf(wanted.queue, driver, surroundings)
    grants.allow(arn, 'sqs:GetQueueUrl', 'sqs:GetQueueAttributes')
    if (provision !== 'create') continue
    grants.allow(arn, 'sqs:CreateQueue')
    if (Object.keys(wanted.attributes).length + wanted.policy.length > 0 || wanted.deadLetters !== undefined) grants.allow(arn, 'sqs:SetQueueAttributes')
  }
}

/** What statistics call. */
export function grantStats({ options: { cloudWatch } }: SqsDriver, grants: Grants): void {
  if (cloudWatch !== undefined) grants.allow('*', 'cloudwatch:GetMetricStatistics')
}

/** What a role calls on a queue of `driver`, and on that of its dead letters. */
export function grantRole(
  role: SqsRole,
  { definition, deadLetter, endpoint }: Pick<PlannedEndpoint, 'definition' | 'deadLetter' | 'endpoint'>,
  driver: SqsDriver,
  surroundings: PolicySurroundings,
  grants: Grants,
): void {
  const queue = arnOf(driver.queue(endpoint), driver, surroundings)
  const key = keyOf(endpoint, driver)
  const place = placeOf(deadLetter, surroundings)
  const answers = (definition as Queue | undefined)?.reply !== undefined
  const replies = (): string => arnOf({ name: `${replyPrefix}*`, account: undefined, region: undefined, fifo: false }, driver, surroundings)
  const allowSending = (to: string, withKey: string | undefined): void => {
    grants.allow(to, 'sqs:SendMessage')
    if (withKey !== undefined) grants.allowKey(withKey, to, 'kms:GenerateDataKey', 'kms:Decrypt')
  }
  const allowReceiving = (from: string, withKey: string | undefined): void => {
    grants.allow(from, ...receiving)
    if (withKey !== undefined) grants.allowKey(withKey, from, 'kms:Decrypt')
  }
  if (role === 'send') {
    allowSending(queue, key)
    if (answers) grants.allow(replies(), 'sqs:CreateQueue', 'sqs:GetQueueUrl', 'sqs:DeleteQueue', ...receiving)
  }
  if (role === 'consume') {
    allowReceiving(queue, key)
    if (place !== undefined) allowSending(place.arn, place.key)
    if (answers) grants.allow(replies(), 'sqs:GetQueueUrl', 'sqs:SendMessage')
  }
  if (place === undefined || (role !== 'redrive' && role !== 'move')) return
  allowSending(queue, key)
  allowReceiving(place.arn, place.key)
  // SQS checks of who starts a task what it does in their name: it receives and deletes there, and sends here.
  if (role === 'move') grants.allow(place.arn, 'sqs:StartMessageMoveTask', 'sqs:ListMessageMoveTasks', 'sqs:CancelMessageMoveTask')
}

function placeOf(
  deadLetter: PlannedEndpoint | undefined,
  surroundings: PolicySurroundings,
): { readonly arn: string; readonly key: string | undefined } | undefined {
  if (deadLetter === undefined || !(deadLetter.driver instanceof SqsDriver)) return undefined
  const { driver, endpoint } = deadLetter
  return { arn: arnOf(driver.queue(endpoint), driver, surroundings), key: keyOf(endpoint, driver) }
}

/** Dead letters are encrypted as what they came from, unless the route says otherwise. */
function keyOf(endpoint: Endpoint, driver: SqsDriver): string | undefined {
  const { encryption } = resolveRouteOptions(endpoint, driver.options)
  if (encryption === undefined) return endpoint.deadLettersOf === undefined ? undefined : keyOf(endpoint.deadLettersOf, driver)
  return typeof encryption === 'object' ? encryption.kmsKeyId : undefined
}

function arnOf(queue: QueueName, { options }: SqsDriver, { account, region = options.region, partition = 'aws' }: PolicySurroundings): string {
  const at = queue.region ?? region
  if (at === undefined) throw configuration(`requiredPolicy: the region of ${addressOf(queue)} is not known; set region`)
  return `arn:${partition}:sqs:${at}:${queue.account ?? account}:${queue.name}`
}
