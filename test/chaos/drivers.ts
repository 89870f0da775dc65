import { amqp } from '@busbar/amqp'
import type { DriverFactory } from '@busbar/core/driver'
import { mqtt } from '@busbar/mqtt'
import { sns } from '@busbar/sns'
import { sqs } from '@busbar/sqs'

/** Those that the configuration of a backend chooses among. */
export const drivers: readonly DriverFactory[] = [amqp, mqtt, sqs, sns]
