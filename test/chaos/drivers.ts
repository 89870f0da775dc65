import { amqp } from '@busbar/amqp'
import type { DriverFactory, LeaseStore } from '@busbar/core/driver'
import { kinesisWith } from '@busbar/kinesis'
import { mqtt } from '@busbar/mqtt'
import { redisStore, type RedisStore } from '@busbar/redis'
import { sns } from '@busbar/sns'
import { sqs } from '@busbar/sqs'

/** For leases on shards, in the Redis of claims; to be closed by whoever asks for it. */
export function leasesIn(redisUrl: string | undefined): RedisStore | undefined {
  return redisUrl === undefined ? undefined : redisStore({ url: redisUrl, timeoutMs: 2_000 })
}

/** Those that the configuration of a backend chooses among. */
export function driversWith(leases: LeaseStore | undefined): readonly DriverFactory[] {
  return [amqp, mqtt, sqs, sns, ...(leases === undefined ? [] : [kinesisWith({ store: leases })])]
}
