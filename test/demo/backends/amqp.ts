import { amqp } from '@busbar/amqp'
import * as amqplib from 'amqplib'
import { isSkipped, skipOrFail, startProxy, startRabbitmq, type RabbitmqBed, type Skipped } from '../../brokers/index.ts'
import type { Backend, BackendOptions, Fault } from '../broker.ts'

/** A RabbitMQ: the one at a URL, or one of our own, 4.0 if it is to be had and else 3.10. */
export async function amqpBackend(broker: string, options: BackendOptions): Promise<Backend | undefined> {
  if (broker !== 'amqp') return givenBackend(broker, options)
  const started = performance.now()
  const bed = bedIn(await startAny(options), options.maySkip)
  if (bed === undefined) return undefined
  if (bed.managementUrl === undefined) return givenBackend(bed.url, options)
  const seconds = ((performance.now() - started) / 1_000).toFixed(1)
  const title = `RabbitMQ ${bed.version} (${bed.how === 'environment' ? 'from the environment' : `${bed.how}, started in ${seconds} s`})`
  try {
    return await ownBackend(bed, title, options.faults)
  } catch (error) {
    await bed[Symbol.asyncDispose]()
    throw error
  }
}

async function startAny({ faults, say }: BackendOptions): Promise<RabbitmqBed | Skipped> {
  const settings = { onProgress: say, ...(faults && { own: true }) }
  say('starting RabbitMQ 4.0')
  const newer = await startRabbitmq({ version: '4.0', ...settings })
  if (!isSkipped(newer)) return newer
  say(`RabbitMQ 4.0 is not to be had here (${newer.reason}); starting 3.10`)
  const older = await startRabbitmq({ version: '3.10', ...settings })
  return isSkipped(older) ? { ...newer, broker: 'RabbitMQ' } : older
}

/** Throws where there is none: whoever asked for a RabbitMQ has got nothing, unless a skip was allowed. */
function bedIn(found: RabbitmqBed | Skipped, maySkip: boolean): RabbitmqBed | undefined {
  if (isSkipped(found) && !maySkip) throw new Error(`there is no RabbitMQ to run on: ${found.reason}. To get one, ${found.remedy}`)
  return skipOrFail(found)
}

/** In a virtual host of its own, since the broker may be a shared one. */
async function ownBackend(bed: RabbitmqBed, title: string, faults: boolean): Promise<Backend> {
  const vhost = `demo-${process.pid}`
  const url = await bed.createVhost(vhost)
  const proxy = faults ? await startProxy(Number(new URL(url).port)) : undefined
  const cut: Fault = { text: 'all connections cut', strike: async () => proxy?.cut() }
  const reset: Fault = { text: 'all connections reset', strike: async () => proxy?.reset() }
  const kill: Fault = {
    text: 'the broker killed (SIGKILL) and started again',
    async strike() {
      await bed.kill()
      await bed.start()
    },
  }
  return {
    ...common(proxy?.through(url) ?? url),
    title,
    faults: faults ? [cut, kill, reset] : [],
    async [Symbol.asyncDispose]() {
      await proxy?.close()
      await bed.deleteVhost(vhost).catch(() => undefined)
      await bed[Symbol.asyncDispose]()
    },
  }
}

/** Under names of its own, which are removed in the end. */
function givenBackend(url: string, { faults }: BackendOptions): Backend {
  if (faults) throw new TypeError('--faults kills the broker, so it needs one of its own: use --broker amqp')
  const { host } = new URL(url)
  const prefix = `busbar-demo-${Date.now().toString(36)}.`
  let ours: readonly string[] = []
  return {
    ...common(url),
    title: `RabbitMQ at ${host}, with queues and exchanges ${prefix}*`,
    naming: (name) => prefix + name,
    faults: [],
    created(resources) {
      ours = resources.filter((resource) => resource.includes(` ${prefix}`))
    },
    [Symbol.asyncDispose]: () => remove(url, ours),
  }
}

/** Deletes queues and exchanges, given as `queue name` and `exchange name`. */
async function remove(url: string, resources: readonly string[]): Promise<void> {
  if (resources.length === 0) return
  const connection = await amqplib.connect(url)
  const channel = await connection.createChannel()
  for (const resource of resources) {
    const [kind = '', name = ''] = resource.split(' ')
    if (kind === 'queue') await channel.deleteQueue(name)
    else await channel.deleteExchange(name)
  }
  await connection.close()
}

/** RabbitMQ does not filter by body, so the consumer of a filtered subscription does. */
function common(url: string): Pick<Backend, 'configuration' | 'drivers'> {
  return { configuration: () => ({ driver: url, emulate: ['filter'] }), drivers: [amqp] }
}
