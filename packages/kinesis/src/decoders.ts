/** What reads records and leases from outside, for `npm run fuzz`. Not published: it promises nothing to users. */
export { toBrokerError } from './errors.ts'
export { parseCheckpoint } from './group/checkpoint.ts'
export { LeaseTable } from './group/lease-table.ts'
export { Place } from './reading/place.ts'
export { incomingOf } from './receiving/incoming.ts'
export { shardRecordsOf } from './receiving/shard-record.ts'
export { useRecordsJson } from './records-json.ts'
export { formatPosition } from './shards/position.ts'
