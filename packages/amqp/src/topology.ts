import type { Change, Endpoint, Services, Topology } from '@busbar/core/driver'
import type { Channel } from 'amqplib'
import { Admin } from './admin.ts'
import type { ConnectionManager } from './connection-manager.ts'
import { differenceIn, objection } from './differences.ts'
import { amqpError, replyCodeOf } from './errors.ts'
import type { ResolvedOptions } from './options.ts'
import { resourcesOf, type ExchangeResource, type QueueResource, type Resource } from './resources.ts'

/** More differences than a queue has arguments. */
const maxDifferences = 20

/**
 * Queues, exchanges and bindings. Compares by declaring what exists once more: AMQP has no way to ask, but a refusal names the argument and its value.
 * Bindings cannot be asked for either; `apply` makes them again.
 */
export class AmqpTopology implements Topology {
  readonly #options: ResolvedOptions
  readonly #manager: ConnectionManager
  readonly #services: Services

  constructor(options: ResolvedOptions, manager: ConnectionManager, services: Services) {
    this.#options = options
    this.#manager = manager
    this.#services = services
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
        if (resource.kind === 'binding')
          await admin.ask(`Binding ${resource.destination} to ${resource.source}`, (channel) => declare(channel, resource), signal)
        else if (!(await exists(admin, resource, signal)))
          await admin.ask(`Declaring ${resource.kind} ${resource.name}`, (channel) => declare(channel, resource), signal)
        else if (resource.kind === 'exchange' && resource.records === 'filter') await this.#replaceFilter(admin, resource, signal)
      }
    })
  }

  /** The bindings of the new filter are in force already: a message that both let through arrives once, since both lead to the same queue. */
  async #replaceFilter(admin: Admin, record: ExchangeResource, signal: AbortSignal): Promise<void> {
    const error = await this.#refusal(admin, record, signal)
    const old = error === undefined ? undefined : differenceIn(error)?.current
    if (typeof old !== 'string') return
    for (const name of [old, record.name]) await admin.ask(`Deleting exchange ${name}`, (channel) => channel.deleteExchange(name), signal)
    await admin.ask(`Declaring exchange ${record.name}`, (channel) => declare(channel, record), signal)
  }

  async #compare(admin: Admin, resource: QueueResource | ExchangeResource, signal: AbortSignal): Promise<Change | undefined> {
    return resource.kind === 'queue' ? await this.#compareQueue(admin, resource, signal) : await this.#compareExchange(admin, resource, signal)
  }

  async #compareQueue(admin: Admin, queue: QueueResource, signal: AbortSignal): Promise<Change | undefined> {
    const known: Record<string, unknown> = { ...queue.arguments }
    const objections: string[] = []
    for (let round = 0; round < maxDifferences; round++) {
      const error = await this.#refusal(admin, { ...queue, arguments: known }, signal)
      if (error === undefined) break
      const difference = differenceIn(error)
      if (difference === undefined) throw amqpError('ERR_CONFLICT', `Comparing queue ${queue.name}: ${error.message}`, { cause: error })
      const text = objection(queue, difference)
      if (text !== undefined) objections.push(text)
      // The broker names one argument at a time: take its value for granted and ask for the next.
      if (difference.argument === 'x-queue-type' || !difference.argument.startsWith('x-')) break
      if (difference.current === undefined) delete known[difference.argument]
      else known[difference.argument] = difference.current
    }
    if (objections.length === 0) return undefined
    return { resource: `queue ${queue.name}`, kind: 'conflict', text: `Queue ${queue.name} exists with other properties: ${objections.join('; ')}.` }
  }

  async #compareExchange(admin: Admin, exchange: ExchangeResource, signal: AbortSignal): Promise<Change | undefined> {
    const error = await this.#refusal(admin, exchange, signal)
    if (error === undefined) return undefined
    const resource = `exchange ${exchange.name}`
    const { argument, current } = differenceIn(error) ?? { argument: 'arguments', current: 'different' }
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

  /** Why the broker refuses the declaration of something that exists; `undefined` if it agrees, or does not let us ask. */
  async #refusal(admin: Admin, resource: QueueResource | ExchangeResource, signal: AbortSignal): Promise<Error | undefined> {
    try {
      await admin.ask(`Comparing ${resource.kind} ${resource.name}`, (channel) => declare(channel, resource), signal)
      return undefined
    } catch (error) {
      const { cause } = error as Error
      if (replyCodeOf(cause) === 406) return cause as Error
      if (replyCodeOf(cause) !== 403) throw error
      this.#services.log('info', 'topology:unverified', { resource: `${resource.kind} ${resource.name}`, reason: 'the user may not configure it' })
      return undefined
    }
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

async function exists(admin: Admin, { kind, name }: QueueResource | ExchangeResource, signal: AbortSignal): Promise<boolean> {
  const check = (channel: Channel): Promise<unknown> => (kind === 'queue' ? channel.checkQueue(name) : channel.checkExchange(name))
  return (await admin.find(`Looking for ${kind} ${name}`, check, signal)) !== undefined
}

async function declare(channel: Channel, resource: Resource): Promise<void> {
  switch (resource.kind) {
    case 'queue':
      await channel.assertQueue(resource.name, { arguments: resource.arguments })
      return
    case 'exchange': {
      const { name, type, internal, alternate } = resource
      await channel.assertExchange(name, type, { internal, ...(alternate !== undefined && { alternateExchange: alternate }) })
      return
    }
    case 'binding': {
      const { source, destination, to, key } = resource
      if (to === 'queue') await channel.bindQueue(destination, source, key, resource.arguments)
      else await channel.bindExchange(destination, source, key, resource.arguments)
    }
  }
}
