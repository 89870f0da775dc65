import type { Capabilities, Change, Driver, Link } from '../driver/index.ts'
import { BrokerError, isBrokerError } from '../errors.ts'
import type { Requester } from '../reply/requester.ts'
import { keepTrying } from './keep-trying.ts'
import { negotiate } from './negotiate.ts'
import type { Plan, Planned } from './plan.ts'
import { servicesFor, type Runtime } from './runtime.ts'
import type { ProvisionMode, ProvisionResult } from './types.ts'

/** The links of a broker and what was found at their other ends. */
export interface Connection {
  readonly links: ReadonlyMap<Driver, Link>
  readonly capabilities: ReadonlyMap<Planned, Capabilities>
  readonly requesters: Map<Link, Requester>
  /** What `start` did or found. */
  readonly provisioned: ProvisionResult
}

/** Declared mismatches, then links, resources, and what only the brokers know. Leaves nothing open when it throws. */
export async function openConnection(plan: Plan, runtime: Runtime, mode: ProvisionMode, signal: AbortSignal): Promise<Connection> {
  const declared = new Map<Planned, Capabilities>()
  for (const planned of plan.all) if (!('refused' in planned.declared)) declared.set(planned, planned.declared)
  negotiate(plan, declared)
  const links = new Map<Driver, Link>()
  try {
    await Promise.all(
      plan.drivers.map(async (driver) =>
        links.set(driver, await keepTrying(driver.name, () => driver.connect(servicesFor(driver.name, runtime), signal), runtime, signal)),
      ),
    )
    const provisioned = await provision(plan, links, mode, signal)
    const capabilities = new Map<Planned, Capabilities>()
    await Promise.all(plan.all.map(async (planned) => capabilities.set(planned, await inspect(planned, links.get(planned.driver) as Link, mode, signal))))
    negotiate(plan, capabilities)
    return { links, capabilities, requesters: new Map(), provisioned }
  } catch (error) {
    await Promise.allSettled([...links.values()].map((link) => link.close()))
    throw error
  }
}

async function inspect(planned: Planned, link: Link, mode: ProvisionMode, signal: AbortSignal): Promise<Capabilities> {
  try {
    return await link.inspect(planned.endpoint, signal)
  } catch (error) {
    // Mode `none` promises not to insist on what it may not see; using the resource will tell.
    if (mode === 'none' && isBrokerError(error) && (error.code === 'ERR_NOT_FOUND' || error.code === 'ERR_ACCESS_DENIED'))
      return planned.declared as Capabilities
    throw error
  }
}

/** Plans, and in mode `create` applies. In mode `verify` any difference is an error that lists all of them. */
export async function provision(plan: Plan, links: ReadonlyMap<Driver, Link>, mode: ProvisionMode, signal: AbortSignal): Promise<ProvisionResult> {
  if (mode === 'none') return { mode, changes: [] }
  const found: (Change & { readonly driver: string })[] = []
  for (const [driver, link] of links) {
    const { topology } = link
    if (!topology) continue
    const endpoints = plan.all.filter((planned) => planned.driver === driver).map((planned) => planned.endpoint)
    const changes = await topology.plan(endpoints, signal)
    found.push(...changes.map((change) => ({ ...change, driver: driver.name })))
    const blocking = mode === 'create' ? changes.filter((change) => change.kind === 'conflict' || change.kind === 'missing') : changes
    if (mode === 'create' && blocking.length === 0 && changes.length > 0) await topology.apply(endpoints, changes, signal)
  }
  const blocking = mode === 'create' ? found.filter((change) => change.kind === 'conflict' || change.kind === 'missing') : found
  if (blocking.length > 0) throw differs(blocking, mode)
  return { mode, changes: found }
}

function differs(changes: readonly (Change & { readonly driver: string })[], mode: ProvisionMode): BrokerError {
  const lines = changes.map(
    (change) => `- ${change.resource} on ${change.driver} (${change.kind}): ${change.text}${change.permission ? ` (needs ${change.permission})` : ''}`,
  )
  const remedy =
    mode === 'verify'
      ? "Create what is missing with broker.provision({ mode: 'create' }), or start with provision: 'none' to skip this check."
      : 'These cannot be changed in place.'
  const conflict = changes.some((change) => change.kind === 'conflict')
  return new BrokerError(conflict ? 'ERR_CONFLICT' : 'ERR_NOT_FOUND', `The broker differs from what the destinations need:\n${lines.join('\n')}\n${remedy}`)
}
