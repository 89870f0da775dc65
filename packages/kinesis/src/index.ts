/**
 * Amazon Kinesis Data Streams for Busbar, on the AWS SDK for JavaScript v3.
 *
 * @module
 */
export { aggregate } from './aggregation/aggregate.ts'
export { deaggregate, type Deaggregated } from './aggregation/deaggregate.ts'
export type { UserRecord } from './aggregation/user-record.ts'
export { kinesis } from './kinesis-driver.ts'
export type { KinesisOptions } from './options.ts'
export type { KinesisRouteOptions } from './route-options.ts'
