import { amqp } from '@busbar/amqp'
import type { DriverFactory } from '@busbar/core/driver'
import { kinesisWith } from '@busbar/kinesis'
import { mqtt } from '@busbar/mqtt'
import { redisStore } from '@busbar/redis'
import { sns } from '@busbar/sns'
import { sqs } from '@busbar/sqs'

/** Those that the configuration of a backend chooses among; leases on shards are in the Redis of claims. */
export function driversWith(redisUrl: string | undefined): readonly DriverFactory[] {
  const store = redisUrl === undefined ? undefined : redisStore({ url: redisUrl, timeoutMs: 2_000 })
  return [amqp, mqtt, sqs, sns, ...(store === undefined ? [] : [kinesisWith({ store })])]
}
