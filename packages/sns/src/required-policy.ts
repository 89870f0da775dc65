import type { BrokerOptions, ProvisionMode } from '@busbar/core'
import { endpointsOf, type PlannedEndpoint } from '@busbar/core/driver'
import type { IamPolicy, SqsRole, PolicySurroundings } from '@busbar/sqs'
import { checkPolicyOptions, checkRoles, grantQueues, grantRole, Grants, grantStart, grantStats, queueRoles, SqsDriver } from '@busbar/sqs/shared'
import { configuration } from './errors.ts'
import { addressOf, topicOf, type TopicName } from './names.ts'
import { resolveRouteOptions } from './route-options.ts'
import { SnsDriver } from './sns-driver.ts'
import { queueEndpointOf, undeliveredEndpointOf, withTopicPolicy } from './subscription-queue.ts'
import { topicAttributes } from './wanted.ts'

export interface RequiredPolicyOptions extends PolicySurroundings {
  /**
   * By the names of queues and topics, and of subscriptions with their topics: `order-placed.billing`. Topics take `send`, subscriptions `consume` and `redrive`, queues
   * those of `requiredPolicy` of `@busbar/sqs`. What is not named is only looked at by `start`.
   */
  readonly roles: Readonly<Record<string, readonly SqsRole[]>>
  /** Default: that of the broker's options, which is `verify` unless they say otherwise. */
  readonly provision?: ProvisionMode
}

type Granting = PolicySurroundings & { readonly provision: ProvisionMode }

/**
 * The IAM policy that a program needs which uses topics of SNS, and queues of SQS beside them: each action, on the topics and queues where it is called. Actions that IAM ties
 * to no topic (`sns:GetSubscriptionAttributes`, `sns:SetSubscriptionAttributes`) are allowed on all. Pure; asks nobody.
 *
 * ```ts
 * const roles = { 'order-placed': ['send'], 'order-placed.billing': ['consume'] } as const
 * console.log(JSON.stringify(requiredPolicy({ driver, destinations }, { account: '123456789012', roles }), undefined, 2))
 * ```
 * Throws `ERR_CONFIGURATION` for roles of unknown destinations, roles that a destination does not have, a missing region and what `createBroker` refuses.
 */
export function requiredPolicy(broker: BrokerOptions, options: RequiredPolicyOptions): IamPolicy {
  checkPolicyOptions(options)
  const all = endpointsOf(broker)
  checkRoles(options.roles, new Map(all.flatMap((planned) => (planned.definition === undefined ? [] : [[labelOf(planned), rolesOf(planned)]]))))
  const { roles, ...granting } = { provision: broker.provision ?? 'verify', ...options }
  const grants = new Grants()
  grantQueues(all, { roles, ...granting }, grants)
  for (const planned of all) if (planned.driver instanceof SnsDriver) grantTopic(planned, planned.driver, roles[labelOf(planned)] ?? [], granting, grants)
  return grants.policy()
}

function grantTopic(planned: PlannedEndpoint, driver: SnsDriver, roles: readonly SqsRole[], granting: Granting, grants: Grants): void {
  const { endpoint } = planned
  const route = resolveRouteOptions(endpoint)
  const topic = topicOf(endpoint.name, route.fifo)
  const arn = arnOf(topic, driver, granting)
  const { provision } = granting
  if (endpoint.subscription !== undefined) {
    grantSubscription(planned, driver, roles, arn, granting, grants)
    return
  }
  grants.allow(arn, 'sns:GetTopicAttributes')
  if (provision === 'create' && topic.arn === undefined) grants.allow(arn, 'sns:CreateTopic')
  if (provision === 'create' && Object.keys(topicAttributes(route)).length > 0) grants.allow(arn, 'sns:SetTopicAttributes')
  if (!roles.includes('send')) return
  grants.allow(arn, 'sns:Publish')
  if (route.kmsKeyId !== undefined) grants.allowKey(route.kmsKeyId, arn, 'kms:GenerateDataKey', 'kms:Decrypt')
}

/** Its queues are those of SQS. */
function grantSubscription(
  { definition, deadLetter, endpoint }: PlannedEndpoint,
  { queues }: SnsDriver,
  roles: readonly SqsRole[],
  topicArn: string,
  granting: Granting,
  grants: Grants,
): void {
  if (!(queues instanceof SqsDriver)) throw new TypeError('the queues of subscriptions are of SQS')
  const { provision } = granting
  const route = resolveRouteOptions(endpoint)
  const topic = topicOf(endpoint.name, route.fifo)
  const queue = withTopicPolicy(queueEndpointOf(endpoint, topic, route), topicArn)
  const undelivered = undeliveredEndpointOf(endpoint, topic, route)
  // Nobody but `provision` looks at that one.
  const looked = undelivered === undefined || provision === 'none' ? [queue] : [queue, withTopicPolicy(undelivered, topicArn)]
  grantStart(looked, queues, provision, granting, grants)
  for (const role of roles) grantRole(role, { definition, deadLetter, endpoint: queue }, queues, granting, grants)
  grantStats(queues, grants)
  if (provision === 'none') return
  grants.allow(topicArn, 'sns:ListSubscriptionsByTopic')
  grants.allow('*', 'sns:GetSubscriptionAttributes')
  if (provision !== 'create') return
  grants.allow(topicArn, 'sns:Subscribe')
  grants.allow('*', 'sns:SetSubscriptionAttributes')
}

function rolesOf({ driver, endpoint }: PlannedEndpoint): readonly SqsRole[] {
  if (!(driver instanceof SnsDriver)) return queueRoles
  return endpoint.subscription === undefined ? ['send'] : ['consume', 'redrive']
}

function labelOf({ endpoint: { destination, subscription } }: PlannedEndpoint): string {
  return subscription === undefined ? destination : `${destination}.${subscription.name}`
}

function arnOf(topic: TopicName, { options }: SnsDriver, { account, region = options.region, partition = 'aws' }: PolicySurroundings): string {
  if (topic.arn !== undefined) return topic.arn
  if (region === undefined) throw configuration(`requiredPolicy: the region of ${addressOf(topic)} is not known; set region`)
  return `arn:${partition}:sns:${region}:${account}:${topic.name}`
}
