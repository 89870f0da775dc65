import { Redis } from 'ioredis'
import type { How } from '../core/find.ts'
import { isSkipped } from '../core/skip.ts'
import type { Skipped } from '../core/skip.ts'
import { until } from '../core/until.ts'
import { containerInstance, processInstance } from './instance.ts'
import type { Instance } from './instance.ts'
import { redisArguments } from './settings.ts'
import type { RedisSettings } from './settings.ts'
import { findRedis } from './sources.ts'
import type { RedisSource } from './sources.ts'

export interface RedisBedOptions extends RedisSettings {
  /**
   * Needs an instance of its own, to be killed for example: the URL in the environment does not serve.
   * Default: only when there are settings.
   */
  readonly own?: boolean
  /** Told about slow steps, such as a download. */
  readonly onProgress?: (text: string) => void
}

/** A Redis for tests. What controls the server itself throws a `TypeError` when it is not ours (`how` is `environment`); ask for `own: true` to never get such a bed. */
export interface RedisBed extends AsyncDisposable {
  /** With the password, if it needs one. */
  readonly url: string
  /** What the server says it is, such as `7.0.15`. */
  readonly version: string
  readonly how: How
  /** Starts it again on the same port after `stop` or `kill`, with the data that was kept, and waits until it answers. */
  start(): Promise<void>
  /** Ends it cleanly (SIGTERM). */
  stop(): Promise<void>
  /** Ends it at once (SIGKILL). */
  kill(): Promise<void>
  /** Freezes it (SIGSTOP): connections stay open, nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** The last lines of the server's log. */
  output(): Promise<string>
}

const startTimeoutMs = 20_000

/** Finds and starts a Redis 7. Several can be started at the same time. */
export async function startRedis(options: RedisBedOptions = {}): Promise<RedisBed | Skipped> {
  const { onProgress = () => {}, own, ...settings } = options
  const source = await findRedis({ own: own ?? Object.keys(settings).length > 0, onProgress })
  if (isSkipped(source)) return source
  const instance = await createInstance(source, redisArguments(settings))
  const password = settings.password === undefined ? '' : `:${encodeURIComponent(settings.password)}@`
  const url = source.how === 'environment' ? source.url : `redis://${password}127.0.0.1:${instance?.port}`
  try {
    await instance?.start()
    return bedOf(url, source.how, instance, await answer(url, source.how, instance))
  } catch (error) {
    await instance?.dispose()
    throw error
  }
}

async function createInstance(source: RedisSource, settings: readonly string[]): Promise<Instance | undefined> {
  if (source.how === 'environment') return undefined
  if (source.how === 'docker') return await containerInstance(source.image, settings)
  return await processInstance(source.place, source.program, settings)
}

function bedOf(url: string, how: How, instance: Instance | undefined, version: string): RedisBed {
  const ours = (): Instance => {
    if (instance === undefined) throw new TypeError('this Redis was given by the environment and is not ours to control')
    return instance
  }
  return {
    url,
    version,
    how,
    async start() {
      await ours().start()
      await answer(url, how, ours())
    },
    stop: async () => await ours().stop(),
    kill: async () => await ours().kill(),
    pause: async () => await ours().pause(),
    resume: async () => await ours().resume(),
    output: async () => await ours().output(),
    [Symbol.asyncDispose]: async () => await instance?.dispose(),
  }
}

/** Waits until the server answers with all its data loaded, and gives the version it names. */
async function answer(url: string, how: How, instance: Instance | undefined): Promise<string> {
  let ending: string | undefined
  const attempt = async (): Promise<string> => {
    ending = await instance?.ending()
    // `retryStrategy`: it is tried again from here, with a new client.
    const client = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 2_000, commandTimeout: 2_000 })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.ping()
      return /^redis_version:(.*)$/m.exec(await client.info('server'))?.[1]?.trim() ?? 'unknown'
    } finally {
      client.disconnect()
    }
  }
  try {
    return await until(`Redis (${how})`, attempt, { timeoutMs: instance === undefined ? 5_000 : startTimeoutMs, hopeless: () => ending, intervalMs: 10 })
  } catch (error) {
    const output = (await instance?.output()) ?? ''
    throw new Error(`Redis (${how}) does not answer\n${output}`, { cause: error })
  }
}
