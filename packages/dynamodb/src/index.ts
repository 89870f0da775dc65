/**
 * Claims in Amazon DynamoDB for Busbar: the store behind idempotency and leases that all processes share.
 *
 * @module
 */
export { dynamoStore, type DynamoStore } from './dynamo-store.ts'
export type { DynamoStoreOptions } from './options.ts'
export type { Capacity, TableOptions } from './table.ts'
