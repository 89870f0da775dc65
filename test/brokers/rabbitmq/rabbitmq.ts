import * as amqp from 'amqplib'
import type { How } from '../core/find.ts'
import { isSkipped } from '../core/skip.ts'
import type { Skipped } from '../core/skip.ts'
import { until } from '../core/until.ts'
import { containerInstance } from './container.ts'
import type { Instance } from './instance.ts'
import { management } from './management.ts'
import { processInstance } from './process.ts'
import type { RabbitmqSettings } from './settings.ts'
import { findRabbitmq, major } from './sources.ts'
import type { RabbitmqSource, RabbitmqVersion } from './sources.ts'

export interface RabbitmqOptions extends RabbitmqSettings {
  readonly version: RabbitmqVersion
  /**
   * Needs an instance of its own, to be killed for example: the URL in the environment does not serve.
   * Default: only when there are settings.
   */
  readonly own?: boolean
  /** Told about slow steps, such as a download. */
  readonly onProgress?: (text: string) => void
}

/**
 * A RabbitMQ for tests. What controls the broker itself (`start` to `setMemoryAlarm`) throws a `TypeError` when the
 * broker is not ours (`how` is `environment`); ask for `own: true` to never get such a bed.
 */
export interface RabbitmqBed extends AsyncDisposable {
  /** The default vhost, with user and password. */
  readonly url: string
  /** The HTTP interface, with user and password. */
  readonly managementUrl: string | undefined
  /** What the broker says it is, such as `4.0.5`. */
  readonly version: string
  readonly how: How
  /** Makes an empty vhost and gives its URL. */
  createVhost(name: string): Promise<string>
  deleteVhost(name: string): Promise<void>
  /** Starts it again on the same data and port after `stop` or `kill`, and waits until it answers. */
  start(): Promise<void>
  /** Ends it cleanly (SIGTERM); the data stays. */
  stop(): Promise<void>
  /** Ends it at once (SIGKILL); the data stays. */
  kill(): Promise<void>
  /** Freezes it (SIGSTOP): connections stay open, nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Switches the memory alarm: connections that publish get `connection.blocked`. Returns when it is in force. */
  setMemoryAlarm(on: boolean): Promise<void>
  /** The last lines of the broker's log. */
  output(): Promise<string>
}

const startTimeoutMs = 90_000

/** Finds and starts a RabbitMQ of this major version. Several can be started at the same time. */
export async function startRabbitmq(options: RabbitmqOptions): Promise<RabbitmqBed | Skipped> {
  const { version, onProgress = () => {}, ...settings } = options
  const own = options.own ?? Object.keys(settings).length > 0
  const source = await findRabbitmq({ version, own, onProgress })
  if (isSkipped(source)) return source
  const instance = await createInstance(source, settings)
  try {
    await instance?.start()
    return await connectBed(source, instance, version)
  } catch (error) {
    await instance?.dispose()
    throw error
  }
}

async function createInstance(source: RabbitmqSource, settings: RabbitmqSettings): Promise<Instance | undefined> {
  if (source.how === 'environment') return undefined
  if (source.how === 'docker') return await containerInstance(source.image, settings)
  return await processInstance(source.place, source.programs, settings)
}

async function connectBed(source: RabbitmqSource, instance: Instance | undefined, wanted: string): Promise<RabbitmqBed> {
  const { url, managementUrl } = addresses(source, instance)
  const version = await answer(url, source.how, instance)
  if (major(version) !== major(wanted)) throw new Error(`RabbitMQ ${wanted} (${source.how}) turned out to be ${version}`)
  const ours = (): Instance => {
    if (instance === undefined) throw new TypeError('this RabbitMQ was given by the environment and is not ours to control')
    return instance
  }
  const http = (): ReturnType<typeof management> => {
    if (managementUrl === undefined) throw new TypeError('this RabbitMQ was given without the URL of its HTTP interface')
    return management(managementUrl)
  }
  return {
    url,
    managementUrl,
    version,
    how: source.how,
    async createVhost(name) {
      await http().deleteVhost(name)
      await http().createVhost(name)
      return withVhost(url, name)
    },
    deleteVhost: (name) => http().deleteVhost(name),
    async start() {
      await ours().start()
      await answer(url, source.how, ours())
    },
    stop: async () => await ours().stop(),
    kill: async () => await ours().kill(),
    pause: async () => await ours().pause(),
    resume: async () => await ours().resume(),
    async setMemoryAlarm(on) {
      await ours().control('set_vm_memory_high_watermark', on ? '0.00000001' : '0.4')
      const inForce = async (): Promise<void> => {
        if ((await http().hasAlarm()) !== on) throw new Error('not in force yet')
      }
      await until('memory alarm', inForce, { timeoutMs: 10_000 })
    },
    output: async () => await ours().output(),
    [Symbol.asyncDispose]: async () => await instance?.dispose(),
  }
}

function addresses(source: RabbitmqSource, instance: Instance | undefined): { url: string; managementUrl: string | undefined } {
  if (source.how === 'environment') return source
  const user = 'guest:guest@127.0.0.1'
  return {
    url: `amqp://${user}:${instance?.amqpPort}/%2F`,
    managementUrl: `http://${user}:${instance?.managementPort}`,
  }
}

function withVhost(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${encodeURIComponent(name)}`
  return changed.href
}

/** Waits until the broker opens and closes a connection, and gives the version it names. */
async function answer(url: string, how: How, instance: Instance | undefined): Promise<string> {
  let ending: string | undefined
  const attempt = async (): Promise<string> => {
    ending = await instance?.ending()
    const connection = await amqp.connect(url, { timeout: 5_000 })
    const { version } = connection.connection.serverProperties
    await connection.close()
    return version
  }
  const timeoutMs = instance === undefined ? 5_000 : startTimeoutMs
  try {
    return await until(`RabbitMQ (${how})`, attempt, { timeoutMs, hopeless: () => ending })
  } catch (error) {
    const output = (await instance?.output()) ?? ''
    throw new Error(`RabbitMQ (${how}) does not answer\n${output}`, { cause: error })
  }
}
