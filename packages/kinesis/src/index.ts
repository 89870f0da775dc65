/**
 * Amazon Kinesis Data Streams for Busbar, on the AWS SDK for JavaScript v3.
 *
 * @module
 */
export { aggregate } from './aggregation/aggregate.ts'
export { deaggregate, type Deaggregated } from './aggregation/deaggregate.ts'
export type { UserRecord } from './aggregation/user-record.ts'
export type { Origin } from './group/shard-graph.ts'
export { kinesis, kinesisWith, type KinesisFactory } from './kinesis-driver.ts'
export type { LagOptions, ShardLag } from './operations/group-lag.ts'
export { kinesisGroup, type KinesisGroup, type KinesisGroupOptions, type ShardLeaseView } from './operations/kinesis-group.ts'
export { requiredPolicy, type IamPolicy, type IamStatement, type KinesisRole, type RequiredPolicyOptions } from './operations/required-policy.ts'
export type { KinesisOptions } from './options.ts'
export type { ShardRecord } from './receiving/shard-record.ts'
export type { KinesisRouteOptions } from './route-options.ts'
export type { Position } from './shards/position.ts'
