import { amqp } from '@busbar/amqp'
import { systemClock } from '@busbar/core'
import { NotExamined, type ForeignMessage, type Harness, type Kind } from '@busbar/contract-tests'
import { connect } from 'amqplib'
import { skipOrFail, startRabbitmq, type RabbitmqBed, type RabbitmqOptions } from '../../brokers/index.ts'
import { needsProxy, proxiedCase } from './proxied-case.ts'

export interface AmqpHarness extends AsyncDisposable {
  readonly harness: Harness
}

/** A RabbitMQ of its own in real time. Every case connects through a proxy of its own, so that its faults are its own. `undefined`: it could not be had. */
export async function amqpHarness(version: RabbitmqOptions['version']): Promise<AmqpHarness | undefined> {
  const bed = skipOrFail(await startRabbitmq({ version }))
  if (bed === undefined) return undefined
  const url = await bed.createVhost(`contract-${process.pid}`)
  return { harness: harnessThrough(bed, url, url), [Symbol.asyncDispose]: () => bed[Symbol.asyncDispose]() }
}

let names = 0

/** `url` is what drivers connect to, `direct` what plain clients do. */
function harnessThrough(bed: RabbitmqBed, url: string, direct: string): Harness {
  return {
    label: { driver: 'amqp', version: `RabbitMQ ${bed.version}`, kind: 'real' },
    clock: systemClock,
    random: Math.random,
    bounds: { arrivalMs: 8_000, quietMs: 700, reconnectMs: 15_000, longestWaitMs: 8_000, caseMs: 90_000 },
    createDriver: () => amqp({ url, partitions: 2, reconnectMaxMs: 500, rebalanceMs: 200, handOverMs: 5_000 }),
    uniqueName: (prefix) => `${prefix}-${++names}`,
    faults: {
      ...needsProxy,
      sendForeign: (name, kind, message) => publish(direct, name, kind, message),
      failPartOfNextSend: (name) => limit(direct, name),
    },
    forCase: () => proxiedCase(Number(new URL(direct).port), (proxy) => harnessThrough(bed, proxy.through(direct), direct)),
  }
}

async function publish(url: string, name: string, kind: Kind, { body, headers = {} }: ForeignMessage): Promise<void> {
  const connection = await connect(url)
  const channel = await connection.createConfirmChannel()
  const content = Buffer.from(body)
  if (kind === 'queue') channel.sendToQueue(name, content, { headers, persistent: true })
  else channel.publish(name, '', content, { headers, persistent: true })
  await channel.waitForConfirms()
  await connection.close()
}

/**
 * Puts a queue in the place of the driver's that takes two messages and refuses what follows. A classic one: a quorum queue lets everything in that is on its
 * way when its limit is reached. An exchange can only refuse what one of its queues does, and then nobody knows what the others have done.
 */
async function limit(url: string, name: string): Promise<void> {
  const connection = await connect(url)
  const channel = await connection.createChannel()
  channel.on('error', () => undefined)
  try {
    await channel.checkQueue(name)
  } catch {
    await connection.close()
    throw new NotExamined('a topic cannot be refused in part: the broker refuses a message for all its queues, whichever of them refused it')
  }
  await channel.deleteQueue(name)
  await channel.assertQueue(name, { arguments: { 'x-queue-type': 'classic', 'x-max-length': 2, 'x-overflow': 'reject-publish' } })
  await connection.close()
}
