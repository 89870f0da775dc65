import { systemClock } from '@busbar/core'
import { pauseFor, type Services } from '@busbar/core/driver'
import { Admin } from './admin.ts'
import { ConnectionManager } from './connection-manager.ts'
import type { Connection } from './connection.ts'
import { amqpError, toBrokerError } from './errors.ts'
import { membersName, partitionName, partitionNames } from './names.ts'
import { checkKnown, configuration, maxPartitions, resolveOptions, type AmqpOptions, type ResolvedOptions } from './options.ts'
import { marker } from './resources.ts'
import { SoleConsumer } from './sole-consumer.ts'

export interface RepartitionOptions {
  /** New number of partitions, 1 to 256. */
  readonly partitions: number
  /** How long to wait for the source to be drained, in milliseconds. Default 0: it must be already. */
  readonly waitMs?: number
  readonly signal?: AbortSignal
}

const pollMs = 250

/** What all steps work on. */
interface Errand {
  readonly source: string
  readonly admin: Admin
  readonly connection: Connection
  readonly options: ResolvedOptions
  readonly signal: AbortSignal
}

/**
 * Changes the number of partitions of a source with ordering keys: `orders`, or `<topic>.<subscription>`. Keys change their partition, so nothing may be on
 * its way: stop the producers, let the consumers empty the queues, stop the consumers; then call this, deploy the new number and provision.
 * While it works it is itself the only consumer of all partition queues. Queues beyond the new number are deleted; further ones are made by `provision`.
 * Throws `ERR_CONFLICT` while messages or consumers are left: then nothing was deleted. Throws it at the end if a producer went on sending: what it sent to a
 * queue that was deleted has been sent again to the partition that the key has now. Throws `ERR_NOT_FOUND` for a source without partitions.
 */
export async function repartition(options: AmqpOptions, source: string, change: RepartitionOptions): Promise<void> {
  checkKnown('repartition', change, ['partitions', 'waitMs', 'signal'])
  const { partitions, waitMs = 0, signal = new AbortController().signal } = change
  if (!(waitMs >= 0)) throw configuration("repartition: 'waitMs' must be a number of milliseconds, at least 0")
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions)
    throw configuration(`repartition: 'partitions' must be a whole number from 1 to ${maxPartitions}`)
  const resolved = resolveOptions(options)
  const manager = new ConnectionManager('operating', resolved, services)
  await manager.connect(signal)
  try {
    const { connection } = manager
    if (connection === undefined) throw manager.reason
    const admin = new Admin(manager, services, resolved.timeoutMs)
    await carryOut({ source, admin, connection, options: resolved, signal }, partitions, waitMs)
  } finally {
    await manager.close()
  }
}

async function carryOut(errand: Errand, partitions: number, waitMs: number): Promise<void> {
  const { source, admin, signal } = errand
  const current = await countPartitions(admin, source, signal)
  const consumer = await drained(errand, current, waitMs)
  try {
    for (let partition = current - 1; partition >= partitions; partition--) {
      const name = partitionName(source, partition)
      const { messageCount } = await admin.ask(`Deleting queue ${name}`, (channel) => channel.deleteQueue(name), signal)
      // Zero but for a message that came in the moment between our last look and the deletion, and was not with us yet.
      if (messageCount > 0) throw amqpError('ERR_CONFLICT', `Queue ${name} was deleted with ${messageCount} messages that a producer sent at that moment.`)
    }
    const { name, type, alternate = '' } = marker(source, partitions)
    await admin.ask(`Deleting exchange ${name}`, (channel) => channel.deleteExchange(name), signal)
    await admin.ask(`Declaring exchange ${name}`, (channel) => channel.assertExchange(name, type, { internal: true, alternateExchange: alternate }), signal)
    await moveOn(consumer, source, partitions)
  } catch (error) {
    throw toBrokerError(error, `Repartitioning ${source}`)
  } finally {
    await consumer.close()
  }
}

/** What came although nobody should be sending any more. */
async function moveOn(consumer: SoleConsumer, source: string, partitions: number): Promise<void> {
  const { count } = consumer
  if (count === 0) return
  const moved = await consumer.move((queue) => (partitionNames(source, partitions).includes(queue) ? undefined : partitions), source)
  throw amqpError(
    'ERR_CONFLICT',
    `${source} has ${partitions} partitions now, but a producer sent ${count} messages meanwhile, of which ${moved} were moved out of deleted queues: their order is not kept. Stop producers first.`,
  )
}

async function countPartitions(admin: Admin, source: string, signal: AbortSignal): Promise<number> {
  for (let partition = 0; partition < maxPartitions; partition++) {
    const name = partitionName(source, partition)
    if ((await admin.find(`Looking for queue ${name}`, (channel) => channel.checkQueue(name), signal)) !== undefined) continue
    if (partition === 0) throw amqpError('ERR_NOT_FOUND', `There is no partition queue ${name}.`)
    return partition
  }
  return maxPartitions
}

/** The only consumer of all partition queues, once there is nothing in them and nobody else. */
async function drained(errand: Errand, partitions: number, waitMs: number): Promise<SoleConsumer> {
  const { source, signal } = errand
  const end = services.clock.monotonic() + waitMs
  for (;;) {
    const found = await takeAll(errand, partitions)
    if (found instanceof SoleConsumer) return found
    if (services.clock.monotonic() >= end)
      throw amqpError('ERR_CONFLICT', `${source} is not drained: ${found}. Stop producers, empty the queues, stop consumers, and try again.`)
    await pauseFor(pollMs, services.clock, signal)
  }
}

/**
 * Members are asked first and last: where there was none before we came first in every line, nobody else holds a message, and what somebody held before has
 * returned and is counted.
 */
async function takeAll(errand: Errand, partitions: number): Promise<SoleConsumer | string> {
  const { source, connection, options } = errand
  const names = partitionNames(source, partitions)
  const before = (await whoConsumes(errand)) ?? (await whatIsIn(errand, names, 0))
  if (before !== undefined) return before
  const consumer = await SoleConsumer.open(connection, names, options, services.clock)
  const after = (await whoConsumes(errand)) ?? (await whatIsIn(errand, names, 1)) ?? whatCame(consumer)
  if (after === undefined) return consumer
  await consumer.close()
  return after
}

async function whoConsumes({ source, admin, signal }: Errand): Promise<string | undefined> {
  const members = membersName(source)
  const { consumerCount } = await admin.ask(`Counting queue ${members}`, (channel) => channel.checkQueue(members), signal)
  return consumerCount > 0 ? `${consumerCount} processes consume it` : undefined
}

/** `consumers`: how many there may be, ours. A single active consumer counts alone, whoever waits behind it. */
async function whatIsIn({ admin, signal }: Errand, names: readonly string[], consumers: number): Promise<string | undefined> {
  for (const name of names) {
    const { messageCount, consumerCount } = await admin.ask(`Counting queue ${name}`, (channel) => channel.checkQueue(name), signal)
    if (messageCount > 0) return `${messageCount} messages in ${name}`
    if (consumerCount > consumers) return `${name} is consumed by ${consumerCount - consumers} others`
  }
  return undefined
}

function whatCame({ count }: SoleConsumer): string | undefined {
  return count > 0 ? `${count} messages came` : undefined
}

/** Repartitioning is an operator's errand, outside any broker object. */
const services: Services = { clock: systemClock, random: Math.random, log: () => undefined, meter: () => undefined }
