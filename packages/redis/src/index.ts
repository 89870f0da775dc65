/**
 * Claims in Redis for Busbar, on ioredis: the store behind idempotency and leases that all processes share.
 *
 * @module
 */
export { redisStore, type RedisStore } from './redis-store.ts'
export type { RedisStoreOptions, RedisStoreSettings, RedisTlsOptions } from './options.ts'
export type { RedisClient, RedisNode } from './client.ts'
