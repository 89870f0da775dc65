import { Redis } from 'ioredis'
import { startBed } from '../core/bed.ts'
import type { Bed, BedOptions } from '../core/bed.ts'
import { findService } from '../core/service.ts'
import { isSkipped } from '../core/skip.ts'
import type { Skipped } from '../core/skip.ts'
import { createInstance } from './instance.ts'
import { redisArguments } from './settings.ts'
import type { RedisSettings } from './settings.ts'
import { redis7 } from './sources.ts'

export interface RedisBedOptions extends RedisSettings, BedOptions {}

/** A Redis for tests. */
export type RedisBed = Bed

/** Finds and starts a Redis 7. Several can be started at the same time. */
export async function startRedis(options: RedisBedOptions = {}): Promise<RedisBed | Skipped> {
  const { onProgress = () => {}, own, ...settings } = options
  const source = await findService(redis7, { own: own ?? Object.keys(settings).length > 0, onProgress })
  if (isSkipped(source)) return source
  const created = source.how === 'environment' ? undefined : await createInstance(source, redisArguments(settings))
  const password = settings.password === undefined ? '' : `:${encodeURIComponent(settings.password)}@`
  const url = source.how === 'environment' ? source.url : `redis://${password}127.0.0.1:${created?.port}`
  return await startBed({ broker: 'Redis', url, how: source.how, instance: created?.instance, startTimeoutMs: 20_000, greet: () => greet(url) })
}

/** Answers when all data is loaded. */
async function greet(url: string): Promise<string> {
  // `retryStrategy`: it is tried again from outside, with a new client.
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
