/** Options that an interface declares, and the section of `defaults.md` that has to name them. */
export interface DocumentedOptions {
  readonly file: string
  readonly interface: string
  readonly section: string
}

const limits = 'Timeout, circuit breaker and limits'

/** All that a user can set. */
export const documentedOptions: readonly DocumentedOptions[] = [
  { file: 'packages/core/src/broker/types.ts', interface: 'BrokerOptions', section: 'Broker' },
  { file: 'packages/core/src/broker/types.ts', interface: 'Route', section: 'Route' },
  { file: 'packages/core/src/definitions/types.ts', interface: 'DestinationOptions', section: 'Destination' },
  { file: 'packages/core/src/definitions/types.ts', interface: 'Requirements', section: 'Destination' },
  { file: 'packages/core/src/producer/types.ts', interface: 'SendOptions', section: 'Sending' },
  { file: 'packages/core/src/producer/types.ts', interface: 'ProducerOptions', section: 'Sending' },
  { file: 'packages/core/src/consumer/types.ts', interface: 'ConsumeOptions', section: 'Receiving' },
  { file: 'packages/core/src/consumer/types.ts', interface: 'ConsumeBatchesOptions', section: 'Receiving' },
  { file: 'packages/middleware/src/retry/retry.ts', interface: 'RetryOptions', section: 'Retry' },
  { file: 'packages/middleware/src/idempotency/idempotency.ts', interface: 'IdempotencyOptions', section: 'Idempotency' },
  { file: 'packages/middleware/src/idempotency/send-once.ts', interface: 'SendOnceOptions', section: 'Idempotency' },
  { file: 'packages/middleware/src/timeout/timeout.ts', interface: 'TimeoutOptions', section: limits },
  { file: 'packages/middleware/src/circuit-breaker/circuit-breaker.ts', interface: 'CommonOptions', section: limits },
  { file: 'packages/middleware/src/rate-limit/rate-limit.ts', interface: 'RateLimitOptions', section: limits },
  { file: 'packages/middleware/src/concurrency-limit/concurrency-limit.ts', interface: 'ConcurrencyLimitOptions', section: limits },
  { file: 'packages/middleware/src/compression/compression.ts', interface: 'CompressionOptions', section: 'Compression' },
  { file: 'packages/middleware/src/compression/decompression.ts', interface: 'DecompressionOptions', section: 'Compression' },
  { file: 'packages/middleware/src/encryption/encryption.ts', interface: 'EncryptionOptions', section: 'Encryption' },
  { file: 'packages/middleware/src/encryption/decryption.ts', interface: 'DecryptionOptions', section: 'Encryption' },
  { file: 'packages/middleware/src/claim-check/claim-check.ts', interface: 'ClaimCheckOptions', section: 'Claim check' },
  { file: 'packages/middleware/src/claim-check/claim-fetch.ts', interface: 'ClaimFetchOptions', section: 'Claim check' },
  { file: 'packages/memory/src/options.ts', interface: 'MemoryOptions', section: 'Memory driver' },
  { file: 'packages/memory/src/endpoint-options.ts', interface: 'MemoryEndpointOptions', section: 'Memory driver' },
  { file: 'packages/amqp/src/options.ts', interface: 'AmqpOptions', section: 'AMQP driver' },
  { file: 'packages/amqp/src/route-options.ts', interface: 'AmqpRouteOptions', section: 'AMQP driver' },
  { file: 'packages/mqtt/src/options.ts', interface: 'MqttOptions', section: 'MQTT driver' },
  { file: 'packages/mqtt/src/route-options.ts', interface: 'MqttRouteOptions', section: 'MQTT driver' },
  { file: 'packages/sqs/src/options.ts', interface: 'SqsOptions', section: 'SQS driver' },
  { file: 'packages/sqs/src/route-options.ts', interface: 'SqsRouteOptions', section: 'SQS driver' },
  { file: 'packages/sns/src/options.ts', interface: 'SnsOptions', section: 'SNS driver' },
  { file: 'packages/sns/src/route-options.ts', interface: 'SnsRouteOptions', section: 'SNS driver' },
  { file: 'packages/sns/src/route-options.ts', interface: 'SnsSubscriptionOptions', section: 'SNS driver' },
  { file: 'packages/sns/src/http/handler.ts', interface: 'SnsHttpOptions', section: 'SNS driver' },
  { file: 'packages/kinesis/src/options.ts', interface: 'KinesisOptions', section: 'Kinesis driver' },
  { file: 'packages/kinesis/src/route-options.ts', interface: 'KinesisRouteOptions', section: 'Kinesis driver' },
  { file: 'packages/redis/src/options.ts', interface: 'RedisStoreSettings', section: 'Claims in Redis' },
  { file: 'packages/redis/src/options.ts', interface: 'ConnectionSettings', section: 'Claims in Redis' },
  { file: 'packages/dynamodb/src/options.ts', interface: 'DynamoStoreOptions', section: 'Claims in DynamoDB' },
]

/** Every option has its name in the table of its subject. `read` gives the text of a file. */
export function optionErrors(documented: readonly DocumentedOptions[], page: string, read: (file: string) => string): string[] {
  return documented.flatMap(({ file, interface: name, section }) => {
    const options = optionsIn(read(file), name)
    if (options.length === 0) return [`${file}: the interface ${name} was not found, or has no options`]
    const code = [...sectionOf(page, section).matchAll(/`[^`]+`/g)].join(' ')
    const words = new Set(code.match(/\w+/g))
    return options.filter((option) => !words.has(option)).map((option) => `docs/reference/defaults.md: '${section}' does not name ${option} of ${name}`)
  })
}

/** Members that stand on lines of their own, indented once, as the formatter has them. */
function optionsIn(source: string, name: string): string[] {
  const body = new RegExp(`^(?:export )?interface ${name}\\b[^]*?\\{\\n([^]*?)^\\}`, 'm').exec(source)?.[1] ?? ''
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].flatMap((match) => match[1] ?? [])
}

function sectionOf(page: string, heading: string): string {
  return page.split(/^## /m).find((section) => section.startsWith(`${heading}\n`)) ?? ''
}
