import type { Capabilities, Change, Driver, Link } from '../driver/index.ts'
import { isBrokerError } from '../errors.ts'
import { lazy } from '../lazy.ts'
import type { Requester } from '../reply/requester.ts'
import { unlessAborted } from '../waiting.ts'
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
  await negotiate(plan, declared)
  const links = new Map<Driver, Link>()
  // When one driver cannot be connected, the others need not be.
  const failing = new AbortController()
  const ending = AbortSignal.any([signal, failing.signal])
  const connect = async (driver: Driver): Promise<void> => {
    const link = await driver.connect(servicesFor(driver.name, runtime), ending)
    // Too late: nobody waits for it any more.
    if (ending.aborted) await link.close()
    else links.set(driver, link)
  }
  try {
    await Promise.all(plan.drivers.map((driver) => keepTrying(driver.name, () => unlessAborted(connect(driver), ending), runtime, ending)))
    const provisioned = await provision(plan, links, mode, runtime, ending)
    const capabilities = new Map<Planned, Capabilities>()
    await Promise.all(
      plan.all.map(async (planned) => {
        const found = await keepTrying(planned.label, () => inspect(planned, links.get(planned.driver) as Link, mode, ending), runtime, ending)
        capabilities.set(planned, found)
      }),
    )
    await negotiate(plan, capabilities)
    return { links, capabilities, requesters: new Map(), provisioned }
  } catch (error) {
    failing.abort(error)
    await closeLinks(links)
    throw error
  }
}

export async function closeLinks(links: ReadonlyMap<Driver, Link>): Promise<void> {
  await Promise.allSettled([...links.values()].map((link) => link.close()))
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

/** Plans, and in mode `create` applies. In mode `verify` any difference is an error that lists all of them. What an outage interrupts is planned anew, and the last plan is what is told. */
export async function provision(
  plan: Plan,
  links: ReadonlyMap<Driver, Link>,
  mode: ProvisionMode,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<ProvisionResult> {
  if (mode === 'none') return { mode, changes: [] }
  const blocks = ({ kind }: Change): boolean => mode !== 'create' || kind === 'conflict' || kind === 'missing'
  const found: (Change & { readonly driver: string })[] = []
  for (const [driver, link] of links) {
    const { topology } = link
    if (!topology) continue
    const endpoints = plan.all.filter((planned) => planned.driver === driver).map((planned) => planned.endpoint)
    await keepTrying(
      driver.name,
      async () => {
        const changes = await topology.plan(endpoints, signal)
        if (mode === 'create' && !changes.some(blocks)) await topology.apply(endpoints, changes, signal)
        found.push(...changes.map((change) => ({ ...change, driver: driver.name })))
      },
      runtime,
      signal,
    )
  }
  const blocking = found.filter(blocks)
  if (blocking.length > 0) throw (await lazy.refusals()).differenceError(blocking, mode)
  return { mode, changes: found }
}
