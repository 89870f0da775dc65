import type { BrokerOptions, ProvisionMode, Queue } from '@busbar/core'
import { assertKnownKeys, endpointsOf, suggestion, type PlannedEndpoint } from '@busbar/core/driver'
import { configuration } from './errors.ts'
import { addressOf, replyPrefix, type QueueName } from './names.ts'
import { resolveRouteOptions } from './route-options.ts'
import { SqsDriver } from './sqs-driver.ts'
import { wantedQueues } from './wanted-queues.ts'

/**
 * What a program does with a queue. `send`: also sends requests. `consume`: also answers them and writes dead letters. `redrive`: looks at dead letters, redrives and
 * discards them by copies. `move`: lets SQS move them back to the queue by a message move task.
 */
export type SqsRole = 'send' | 'consume' | 'redrive' | 'move'

export interface RequiredPolicyOptions {
  /** Twelve digits: that of all queues which no route names by URL or ARN. */
  readonly account: string
  /** Default: the option `region` of the driver. */
  readonly region?: string
  /** `aws-cn`, `aws-us-gov`. Default `aws`. */
  readonly partition?: string
  /** By destination name. A destination that is not named is only looked at by `start`. */
  readonly roles: Readonly<Record<string, readonly SqsRole[]>>
  /** Default: that of the broker's options, which is `verify` unless they say otherwise. */
  readonly provision?: ProvisionMode
}

export interface IamStatement {
  readonly Effect: 'Allow'
  readonly Action: readonly string[]
  readonly Resource: readonly string[]
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** A policy document of IAM. */
export interface IamPolicy {
  readonly Version: '2012-10-17'
  readonly Statement: readonly IamStatement[]
}

const roleNames: readonly string[] = ['send', 'consume', 'redrive', 'move'] satisfies SqsRole[]
const receiving = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility']

/**
 * The IAM policy that a program needs which runs with these options: each action, on the queues where it is called and on no others. Pure; asks nobody.
 * What other drivers need is not in it: that for SNS has its permissions on the page of its package.
 *
 * ```ts
 * console.log(JSON.stringify(requiredPolicy({ driver, destinations }, { account: '123456789012', roles: { orders: ['send'] } }), undefined, 2))
 * ```
 * Throws `ERR_CONFIGURATION` for roles of unknown destinations, a missing region and what `createBroker` refuses.
 */
export function requiredPolicy(broker: BrokerOptions, options: RequiredPolicyOptions): IamPolicy {
  assertKnownKeys('requiredPolicy', options, ['account', 'region', 'partition', 'roles', 'provision'])
  if (!/^\d{12}$/.test(options.account)) throw configuration('requiredPolicy: account must be twelve digits')
  const { roles, provision = broker.provision ?? 'verify' } = options
  const all = endpointsOf(broker)
  checkRoles(roles, all)
  const grants = new Grants()
  for (const driver of new Set(all.map((planned) => planned.driver))) {
    if (!(driver instanceof SqsDriver)) continue
    const arnOf = arnsOf(driver, options)
    const own = all.filter((planned) => planned.driver === driver)
    for (const wanted of wantedQueues(
      own.map(({ endpoint }) => endpoint),
      driver.options,
    )) {
      const arn = arnOf(wanted.queue)
      grants.allow(arn, 'sqs:GetQueueUrl', 'sqs:GetQueueAttributes')
      if (provision !== 'create') continue
      grants.allow(arn, 'sqs:CreateQueue')
      if (Object.keys(wanted.attributes).length + wanted.policy.length > 0 || wanted.deadLetters !== undefined) grants.allow(arn, 'sqs:SetQueueAttributes')
    }
    for (const planned of own) for (const role of rolesOf(planned, roles)) allowRole(role, planned, driver, arnOf, grants)
    if (driver.options.cloudWatch !== undefined) grants.allow('*', 'cloudwatch:GetMetricStatistics')
  }
  return { Version: '2012-10-17', Statement: grants.statements() }
}

type ArnOf = (queue: QueueName) => string

function allowRole(role: SqsRole, { definition, deadLetter, endpoint }: PlannedEndpoint, driver: SqsDriver, arnOf: ArnOf, grants: Grants): void {
  const queue = arnOf(driver.queue(endpoint))
  const place = deadLetter?.driver instanceof SqsDriver ? arnOf(deadLetter.driver.queue(deadLetter.endpoint)) : undefined
  const answers = (definition as Queue | undefined)?.reply !== undefined
  const replies = (): string => arnOf({ name: `${replyPrefix}*`, account: undefined, region: undefined, fifo: false })
  const { encryption } = resolveRouteOptions(endpoint, driver.options)
  const key = typeof encryption === 'object' ? encryption.kmsKeyId : undefined
  if (role === 'send') {
    grants.allow(queue, 'sqs:SendMessage')
    if (answers) grants.allow(replies(), 'sqs:CreateQueue', 'sqs:GetQueueUrl', 'sqs:DeleteQueue', ...receiving)
    if (key !== undefined) grants.allowKey(key, queue, 'kms:GenerateDataKey', 'kms:Decrypt')
  }
  if (role === 'consume') {
    grants.allow(queue, ...receiving)
    if (place !== undefined) grants.allow(place, 'sqs:SendMessage')
    if (answers) grants.allow(replies(), 'sqs:GetQueueUrl', 'sqs:SendMessage')
    // Dead letters are encrypted as what they came from.
    if (key !== undefined) grants.allowKey(key, queue, ...(place === undefined ? [] : ['kms:GenerateDataKey']), 'kms:Decrypt')
  }
  if (place === undefined || (role !== 'redrive' && role !== 'move')) return
  grants.allow(queue, 'sqs:SendMessage')
  grants.allow(place, ...receiving)
  // SQS checks of who starts a task what it does in their name: it receives and deletes there, and sends here.
  if (role === 'move') grants.allow(place, 'sqs:StartMessageMoveTask', 'sqs:ListMessageMoveTasks', 'sqs:CancelMessageMoveTask')
  if (key !== undefined) grants.allowKey(key, queue, 'kms:GenerateDataKey', 'kms:Decrypt')
}

function rolesOf({ definition }: PlannedEndpoint, roles: RequiredPolicyOptions['roles']): readonly SqsRole[] {
  return definition === undefined ? [] : (roles[definition.name] ?? [])
}

function checkRoles(roles: RequiredPolicyOptions['roles'], all: readonly PlannedEndpoint[]): void {
  const names = all.flatMap(({ definition }) => (definition === undefined ? [] : [definition.name]))
  for (const [name, list] of Object.entries(roles)) {
    if (!names.includes(name)) throw configuration(`requiredPolicy: roles: there is no destination '${name}'${suggestion(name, names)}`)
    for (const role of list)
      if (!roleNames.includes(role)) throw configuration(`requiredPolicy: roles: there is no role '${role}'${suggestion(role, roleNames)}`)
  }
}

function arnsOf({ options: { region: ofDriver } }: SqsDriver, { account, region = ofDriver, partition = 'aws' }: RequiredPolicyOptions): ArnOf {
  return (queue) => {
    const at = queue.region ?? region
    if (at === undefined) throw configuration(`requiredPolicy: the region of ${addressOf(queue)} is not known; set region`)
    return `arn:${partition}:sqs:${at}:${queue.account ?? account}:${queue.name}`
  }
}

/** Actions by resource. */
class Grants {
  readonly #actions: Map<string, Set<string>> = new Map()
  readonly #conditions: Map<string, NonNullable<IamStatement['Condition']>> = new Map()

  allow(resource: string, ...actions: readonly string[]): void {
    const known = this.#actions.get(resource) ?? new Set()
    this.#actions.set(resource, known)
    for (const action of actions) known.add(action)
  }

  /** `key`: an id, an ARN or an alias. Policies cannot name an alias as their resource. `queueArn`: of a queue in the same account and region. */
  allowKey(key: string, queueArn: string, ...actions: readonly string[]): void {
    if (key.startsWith('arn:') && key.includes(':key/')) return this.allow(key, ...actions)
    const alias = /(?:^|:)(alias\/.*)$/s.exec(key)?.[1]
    const [, partition = '', , region = '', account = ''] = queueArn.split(':')
    const arn = `arn:${partition}:kms:${region}:${account}:key/${alias === undefined ? key : '*'}`
    if (alias === undefined) return this.allow(arn, ...actions)
    const resource = `${arn} ${alias}`
    this.allow(resource, ...actions)
    this.#conditions.set(resource, { 'ForAnyValue:StringEquals': { 'kms:ResourceAliases': alias } })
  }

  /** Resources with the same actions together. */
  statements(): readonly IamStatement[] {
    const statements = new Map<string, { Action: string[]; Resource: string[]; Condition?: NonNullable<IamStatement['Condition']> }>()
    for (const [resource, actions] of this.#actions) {
      const Condition = this.#conditions.get(resource)
      const Action = [...actions].toSorted()
      const group = `${Action.join()} ${JSON.stringify(Condition)}`
      const arn = resource.split(' ', 1)[0] ?? resource
      const statement = statements.get(group)
      if (statement === undefined) statements.set(group, { Action, Resource: [arn], ...(Condition !== undefined && { Condition }) })
      else if (!statement.Resource.includes(arn)) statement.Resource.push(arn)
    }
    return [...statements.values()].map((statement) => ({ Effect: 'Allow', ...statement }))
  }
}
