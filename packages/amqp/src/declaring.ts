import type { Channel } from 'amqplib'
import type { Admin } from './admin.ts'
import { differenceIn, type Difference } from './differences.ts'
import { amqpError, replyCodeOf } from './errors.ts'
import type { QueueArguments } from './objections.ts'
import type { ExchangeResource, QueueResource, Resource } from './resources.ts'

/** More differences than a queue has arguments. */
const maxDifferences = 20

/** Arguments that classic queues do not take. */
const quorumOnly = ['x-delivery-limit', 'x-dead-letter-strategy', 'x-single-active-consumer']

export async function exists(admin: Admin, { kind, name }: QueueResource | ExchangeResource, signal: AbortSignal): Promise<boolean> {
  const check = (channel: Channel): Promise<unknown> => (kind === 'queue' ? channel.checkQueue(name) : channel.checkExchange(name))
  return (await admin.find(`Looking for ${kind} ${name}`, check, signal)) !== undefined
}

/** Makes what is not there; a binding is made again without harm. */
export async function declare(admin: Admin, resource: Resource, signal: AbortSignal): Promise<void> {
  const doing = resource.kind === 'binding' ? `Binding ${resource.destination} to ${resource.source}` : `Declaring ${resource.kind} ${resource.name}`
  await admin.ask(doing, (channel) => declareOn(channel, resource), signal)
}

/** `agrees`: as declared. `unknown`: the user may not configure it, and so not ask. */
export type Refusal = 'agrees' | 'unknown' | Error

/** How the broker answers the declaration of something that exists. */
export async function refusalOf(admin: Admin, resource: QueueResource | ExchangeResource, signal: AbortSignal): Promise<Refusal> {
  try {
    await admin.ask(`Comparing ${resource.kind} ${resource.name}`, (channel) => declareOn(channel, resource), signal)
    return 'agrees'
  } catch (error) {
    const { cause } = error as Error
    if (replyCodeOf(cause) === 406) return cause as Error
    if (replyCodeOf(cause) !== 403) throw error
    return 'unknown'
  }
}

/** All that the broker has otherwise than declared is found by declaring it so; `undefined` if it does not let us ask. */
export async function argumentsOf(admin: Admin, queue: QueueResource, signal: AbortSignal): Promise<QueueArguments | undefined> {
  const known: Record<string, unknown> = { ...queue.arguments }
  for (let round = 0; round < maxDifferences; round++) {
    const refusal = await refusalOf(admin, { ...queue, arguments: known }, signal)
    if (refusal === 'unknown') return undefined
    if (refusal === 'agrees') break
    const difference = differenceIn(refusal)
    if (difference === undefined) throw amqpError('ERR_CONFLICT', `Comparing queue ${queue.name}: ${refusal.message}`, { cause: refusal })
    if (!take(known, difference, queue)) break
  }
  return known as QueueArguments
}

/** The broker names one argument at a time: takes its value for granted. False if there is no use in asking for the next. */
function take(known: Record<string, unknown>, { argument, current }: Difference, { anyType = false }: QueueResource): boolean {
  if (current === undefined) delete known[argument]
  else known[argument] = current
  if (!argument.startsWith('x-')) return false
  if (argument !== 'x-queue-type') return true
  if (current !== 'quorum') for (const name of quorumOnly) delete known[name]
  return anyType && current !== 'stream'
}

async function declareOn(channel: Channel, resource: Resource): Promise<void> {
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
