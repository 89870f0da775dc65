import type { BrokerOptions, ProvisionMode } from '@busbar/core'
import { assertKnownKeys, endpointsOf, suggestion, type PlannedEndpoint } from '@busbar/core/driver'
import { configuration } from './errors.ts'
import { Grants, type IamPolicy } from './grants.ts'
import { grantRole, grantStart, grantStats, type SqsRole, type PolicySurroundings } from './queue-grants.ts'
import { SqsDriver } from './sqs-driver.ts'

export interface RequiredPolicyOptions extends PolicySurroundings {
  /** By destination name. A destination that is not named is only looked at by `start`. */
  readonly roles: Readonly<Record<string, readonly SqsRole[]>>
  /** Default: that of the broker's options, which is `verify` unless they say otherwise. */
  readonly provision?: ProvisionMode
}

export const queueRoles: readonly SqsRole[] = ['send', 'consume', 'redrive', 'move']

/**
 * The IAM policy that a program needs which runs with these options: each action, on the queues where it is called and on no others. Pure; asks nobody.
 * What other drivers need is not in it: `requiredPolicy` of `@busbar/sns` is for programs that use both.
 *
 * ```ts
 * console.log(JSON.stringify(requiredPolicy({ driver, destinations }, { account: '123456789012', roles: { orders: ['send'] } }), undefined, 2))
 * ```
 * Throws `ERR_CONFIGURATION` for roles of unknown destinations, a missing region and what `createBroker` refuses.
 */
export function requiredPolicy(broker: BrokerOptions, options: RequiredPolicyOptions): IamPolicy {
  checkPolicyOptions(options)
  const all = endpointsOf(broker)
  checkRoles(options.roles, new Map(all.flatMap(({ definition }) => (definition === undefined ? [] : [[definition.name, queueRoles]]))))
  const grants = new Grants()
  grantQueues(all, { provision: broker.provision ?? 'verify', ...options }, grants)
  return grants.policy()
}

/** What the queues among these endpoints are called for. Roles of other destinations are passed over. */
export function grantQueues(
  all: readonly PlannedEndpoint[],
  {
    provision,
    roles,
    ...surroundings
  }: PolicySurroundings & { readonly provision: ProvisionMode; readonly roles: Readonly<Record<string, readonly string[]>> },
  grants: Grants,
): void {
  for (const driver of new Set(all.map((planned) => planned.driver))) {
    if (!(driver instanceof SqsDriver)) continue
    const own = all.filter((planned) => planned.driver === driver)
    grantStart(
      own.map(({ endpoint }) => endpoint),
      driver,
      provision,
      surroundings,
      grants,
    )
    for (const planned of own) {
      const asked: readonly string[] = planned.definition === undefined ? [] : (roles[planned.definition.name] ?? [])
      for (const role of queueRoles) if (asked.includes(role)) grantRole(role, planned, driver, surroundings, grants)
    }
    grantStats(driver, grants)
  }
}

/** Throws `ERR_CONFIGURATION`. */
export function checkPolicyOptions(options: RequiredPolicyOptions): void {
  assertKnownKeys('requiredPolicy', options, ['account', 'region', 'partition', 'roles', 'provision'])
  if (!/^\d{12}$/.test(options.account)) throw configuration('requiredPolicy: account must be twelve digits')
}

/** `known`: the roles that there are for each destination. Throws `ERR_CONFIGURATION`. */
export function checkRoles(roles: Readonly<Record<string, readonly string[]>>, known: ReadonlyMap<string, readonly string[]>): void {
  for (const [name, list] of Object.entries(roles)) {
    const names = known.get(name)
    if (names === undefined) throw configuration(`requiredPolicy: roles: there is no destination '${name}'${suggestion(name, [...known.keys()])}`)
    for (const role of list)
      if (!names.includes(role)) throw configuration(`requiredPolicy: roles: there is no role '${role}' for ${name}${suggestion(role, names)}`)
  }
}
