import type { Change, Endpoint, Services, Topology } from '@busbar/core/driver'
import { Admin } from './admin.ts'
import type { ConnectionManager } from './connection-manager.ts'
import { argumentsOf, declare, exists, refusalOf } from './declaring.ts'
import { differenceIn } from './differences.ts'
import { objectionsTo } from './objections.ts'
import type { ResolvedOptions } from './options.ts'
import { resourcesOf, type ExchangeResource, type QueueResource } from './resources.ts'
import type { Restoration } from './restoration.ts'

/**
 * Queues, exchanges and bindings. Compares by declaring what exists once more: AMQP has no way to ask, but a refusal names the argument and its value.
 * Bindings cannot be asked for either; `apply` makes them again.
 */
export class AmqpTopology implements Topology {
  readonly #options: ResolvedOptions
  readonly #manager: ConnectionManager
  readonly #services: Services
  readonly #restoration: Restoration

  constructor(options: ResolvedOptions, manager: ConnectionManager, services: Services, restoration: Restoration) {
    this.#options = options
    this.#manager = manager
    this.#services = services
    this.#restoration = restoration
  }

  async plan(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<readonly Change[]> {
    return await this.#withAdmin(async (admin) => {
      const changes: Change[] = []
      for (const resource of resourcesOf(endpoints, this.#options)) {
        if (resource.kind === 'binding') continue
        const change = (await exists(admin, resource, signal)) ? await this.#compare(admin, resource, signal) : creation(resource)
        if (change !== undefined) changes.push(change)
      }
      return changes
    })
  }

  async apply(endpoints: readonly Endpoint[], _changes: readonly Change[], signal: AbortSignal): Promise<void> {
    await this.#withAdmin(async (admin) => {
      for (const resource of resourcesOf(endpoints, this.#options)) {
        if (resource.kind === 'binding' || !(await exists(admin, resource, signal))) await declare(admin, resource, signal)
        else if (resource.kind === 'exchange' && resource.records === 'filter') await this.#replaceFilter(admin, resource, signal)
      }
    })
    this.#restoration.remember(endpoints)
  }

  /** The bindings of the new filter are in force already: a message that both let through arrives once, since both lead to the same queue. */
  async #replaceFilter(admin: Admin, record: ExchangeResource, signal: AbortSignal): Promise<void> {
    const refusal = await refusalOf(admin, record, signal)
    const old = refusal instanceof Error ? differenceIn(refusal)?.current : undefined
    if (typeof old !== 'string') return
    for (const name of [old, record.name]) await admin.ask(`Deleting exchange ${name}`, (channel) => channel.deleteExchange(name), signal)
    await declare(admin, record, signal)
  }

  async #compare(admin: Admin, resource: QueueResource | ExchangeResource, signal: AbortSignal): Promise<Change | undefined> {
    return resource.kind === 'queue' ? await this.#compareQueue(admin, resource, signal) : await this.#compareExchange(admin, resource, signal)
  }

  async #compareQueue(admin: Admin, queue: QueueResource, signal: AbortSignal): Promise<Change | undefined> {
    const current = await argumentsOf(admin, queue, signal)
    if (current === undefined) return this.#unverified(queue)
    const objections = objectionsTo(queue, current, this.#manager.connection?.major ?? 0)
    if (objections.length === 0) return undefined
    return { resource: `queue ${queue.name}`, kind: 'conflict', text: `Queue ${queue.name} exists with other properties: ${objections.join('; ')}.` }
  }

  async #compareExchange(admin: Admin, exchange: ExchangeResource, signal: AbortSignal): Promise<Change | undefined> {
    const refusal = await refusalOf(admin, exchange, signal)
    if (refusal === 'unknown') return this.#unverified(exchange)
    if (refusal === 'agrees') return undefined
    const resource = `exchange ${exchange.name}`
    const { argument, current } = differenceIn(refusal) ?? { argument: 'arguments', current: 'different' }
    if (argument === 'alternate-exchange' && exchange.records === 'filter') {
      return {
        resource,
        kind: 'update',
        text: `Replace the filter in exchange ${String(current)} by the one in ${exchange.alternate}.`,
        permission: `configure on ${exchange.name}`,
      }
    }
    const text =
      argument === 'alternate-exchange' && exchange.records === 'partitions'
        ? `Partitions are recorded as ${String(current).split('=').at(-1)} and not ${exchange.alternate?.split('=').at(-1)}: set the route's partitions, or drain and use repartition.`
        : `Exchange ${exchange.name} exists with ${argument} ${String(current)}: set the route's exchangeType, or delete it and provision again.`
    return { resource, kind: 'conflict', text }
  }

  #unverified({ kind, name }: QueueResource | ExchangeResource): undefined {
    this.#services.log('info', 'topology:unverified', { resource: `${kind} ${name}`, reason: 'the user may not configure it' })
  }

  async #withAdmin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new Admin(this.#manager, this.#services, this.#options.timeoutMs)
    try {
      return await work(admin)
    } finally {
      await admin.close()
    }
  }
}

function creation(resource: QueueResource | ExchangeResource): Change {
  const { kind, name } = resource
  const what = kind === 'queue' ? `${String(resource.arguments['x-queue-type'])} queue` : `${resource.type} exchange`
  return { resource: `${kind} ${name}`, kind: 'create', text: `Create the ${what} ${name}.`, permission: `configure on ${name}` }
}
