import type { Clock, Services } from '@busbar/core/driver'
import { Admin } from './admin.ts'
import { ConnectionManager } from './connection-manager.ts'
import { amqpError } from './errors.ts'
import { membersName, partitionName } from './names.ts'
import { configuration, maxPartitions, resolveOptions, type AmqpOptions } from './options.ts'
import { marker } from './resources.ts'
import { pauseFor } from './within.ts'

export interface RepartitionOptions {
  /** New number of partitions, 1 to 256. */
  readonly partitions: number
  /** How long to wait for the source to be drained, in milliseconds. Default 0: it must be already. */
  readonly waitMs?: number
  readonly signal?: AbortSignal
}

const pollMs = 250

/**
 * Changes the number of partitions of a source with ordering keys: `orders`, or `<topic>.<subscription>`. Keys change their partition, so nothing may be on
 * its way: stop the producers, let the consumers empty the queues, stop the consumers; then call this, deploy the new number and provision.
 * Queues beyond the new number are deleted; further ones are made by `provision`. Throws `ERR_CONFLICT` while messages or consumers are left, `ERR_NOT_FOUND`
 * for a source without partitions.
 */
export async function repartition(options: AmqpOptions, source: string, change: RepartitionOptions): Promise<void> {
  const { partitions, waitMs = 0, signal = new AbortController().signal } = change
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > maxPartitions)
    throw configuration(`repartition: 'partitions' must be a whole number from 1 to ${maxPartitions}`)
  const resolved = resolveOptions(options)
  const manager = new ConnectionManager('operating', resolved, services)
  await manager.connect(signal)
  try {
    const admin = new Admin(manager, services, resolved.timeoutMs)
    const current = await countPartitions(admin, source, signal)
    await drained(admin, source, current, waitMs, signal)
    for (let partition = current - 1; partition >= partitions; partition--) await deleteEmpty(admin, partitionName(source, partition), signal)
    const { name, type, alternate = '' } = marker(source, partitions)
    await admin.ask(`Deleting exchange ${name}`, (channel) => channel.deleteExchange(name), signal)
    await admin.ask(`Declaring exchange ${name}`, (channel) => channel.assertExchange(name, type, { internal: true, alternateExchange: alternate }), signal)
  } finally {
    await manager.close()
  }
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

async function drained(admin: Admin, source: string, partitions: number, waitMs: number, signal: AbortSignal): Promise<void> {
  const end = services.clock.monotonic() + waitMs
  for (;;) {
    const left = await whatIsLeft(admin, source, partitions, signal)
    if (left === undefined) return
    if (services.clock.monotonic() >= end)
      throw amqpError('ERR_CONFLICT', `${source} is not drained: ${left}. Stop producers, empty the queues, stop consumers, and try again.`)
    await pauseFor(pollMs, services.clock, signal)
  }
}

async function whatIsLeft(admin: Admin, source: string, partitions: number, signal: AbortSignal): Promise<string | undefined> {
  for (let partition = 0; partition < partitions; partition++) {
    const name = partitionName(source, partition)
    const { messageCount } = await admin.ask(`Counting queue ${name}`, (channel) => channel.checkQueue(name), signal)
    if (messageCount > 0) return `${messageCount} messages in ${name}`
  }
  // Asked last: without consumers, what was delivered and unsettled has returned and been counted.
  const members = membersName(source)
  const { consumerCount } = await admin.ask(`Counting queue ${members}`, (channel) => channel.checkQueue(members), signal)
  return consumerCount > 0 ? `${consumerCount} processes consume it` : undefined
}

async function deleteEmpty(admin: Admin, name: string, signal: AbortSignal): Promise<void> {
  const { messageCount } = await admin.ask(`Deleting queue ${name}`, (channel) => channel.deleteQueue(name), signal)
  if (messageCount > 0)
    throw amqpError('ERR_CONFLICT', `Queue ${name} was deleted with ${messageCount} messages that a producer sent meanwhile: producers must be stopped first.`)
}

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(atMs, wake) {
    const timeout = setTimeout(wake, Math.max(0, atMs - performance.now()))
    return { cancel: () => clearTimeout(timeout) }
  },
  external: (operation) => operation,
}

/** Repartitioning is an operator's errand, outside any broker object. */
const services: Services = { clock, random: Math.random, log: () => undefined, meter: () => undefined }
