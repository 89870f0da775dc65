import { createBroker, type AnyDefinition, type Broker, type BrokerOptions } from '@busbar/core'
import { sqs, type SqsOptions } from '@busbar/sqs'
import { startAwsWire, type AwsWire } from '../../brokers/aws-wire/index.ts'

/** The service of the test files that share a process, in real time. It is in that process and ends with it. */
export const wire: AwsWire = await startAwsWire()

/** What a client of it is made with. */
export const connection = { endpoint: wire.endpoint, region: wire.region, credentials: wire.credentials } as const

let names = 0

/** A name that no other test of the process uses. */
export function unique(prefix: string): string {
  return `${prefix}-${++names}`
}

/** A broker on the wire, with waits that suit tests. */
export function brokerOn(destinations: readonly AnyDefinition[], options: SqsOptions = {}, others: Partial<BrokerOptions> = {}): Broker {
  const driver = sqs({ ...connection, waitTimeMs: 1_000, retryMaxMs: 200, ...options })
  return createBroker({ driver, destinations, provision: 'create', log: () => undefined, ...others })
}
