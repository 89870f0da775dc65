import { amqp } from '@busbar/amqp'
import type { Driver, DriverFactory, Endpoint } from '@busbar/core/driver'
import { dynamoStore } from '@busbar/dynamodb'
import { kinesis } from '@busbar/kinesis'
import { memory } from '@busbar/memory'
import { mqtt } from '@busbar/mqtt'
import { redisStore } from '@busbar/redis'
import { sns } from '@busbar/sns'
import { sqs } from '@busbar/sqs'
import { expected, first } from '../checks.ts'
import type { Draw } from '../draw.ts'
import { membersLike, optional, textLike, valueLike } from '../inputs.ts'
import { target, withCode, type Target } from '../target.ts'

/** What a driver takes for its options, and for those of a route. */
interface Samples {
  readonly factory: DriverFactory
  readonly options: readonly object[]
  readonly urls: readonly string[]
  readonly routes: readonly object[]
}

const drivers: readonly Samples[] = [
  {
    factory: memory,
    options: [
      { profile: 'sqs-fifo', seed: 7, missing: 'refuse', leaseMs: 1_000 },
      { profile: 'kinesis', throttle: true },
      { profile: 'sns', disorder: 3 },
    ],
    urls: ['memory:?profile=sqs-fifo&seed=7', 'memory:?throttle=true&profile=kinesis', 'memory:'],
    routes: [{}, { leaseMs: 1_000 }],
  },
  {
    factory: amqp,
    options: [
      { url: ['amqps://user:p%40ss@host:5671/v%2Fhost', 'amqp://localhost'], authentication: 'plain', heartbeatMs: 5_000, queueType: 'classic', partitions: 4 },
      { url: 'amqps://host', tls: { ca: 'x', servername: 'host' }, consumerTimeoutMs: false, delays: false, connectionName: 'x' },
    ],
    urls: ['amqps://user:password@host/vhost?hosts=host2:5671,host3&heartbeat=10&delays=false', 'amqp://[::1]:5672'],
    routes: [
      { queueType: 'classic', maxPriority: 5, deliveryLimit: 200 },
      { exchangeType: 'topic', routingKey: 'a.b', bindingKeys: ['#', 'a.*'], mandatory: true },
    ],
  },
  {
    factory: mqtt,
    options: [
      {
        url: ['mqtts://user:password@host:8883', 'wss://host/mqtt'],
        tls: { ca: 'x' },
        clientId: 'billing',
        sessionExpiryMs: 60_000,
        receiveMaximum: 20,
        members: 4,
      },
      { url: 'mqtt://localhost', protocolVersion: 4, sharedSubscriptions: true, username: 'u', password: 'p', qos: 2 },
    ],
    urls: ['mqtts://user:password@host:8883?hosts=host2:8883,host3&clientId=billing&protocolVersion=4', 'ws://localhost/x'],
    routes: [{ qos: 2, members: 2 }, { retain: true, mandatory: true }, { envelope: true }],
  },
  {
    factory: sqs,
    options: [
      { region: 'eu-central-1', endpoint: 'https://vpce.example.com', visibilityTimeoutMs: 30_000, waitTimeMs: 1_000, maxPollers: 3, maxMessageBytes: 262_144 },
    ],
    urls: ['sqs://eu-central-1?waitTimeMs=10000&endpoint=http://localhost:4566&allowPlaintext', 'sqs:'],
    routes: [
      { fifo: true, highThroughput: true, retentionMs: 60_000, encryption: { kmsKeyId: 'alias/x', dataKeyReuseMs: 60_000 } },
      { policy: [{ Sid: 'a', Effect: 'Allow', Principal: '*', Action: 'sqs:SendMessage' }], tenantHeader: 'tenant', envelope: 'sns', maxReceiveCount: 100 },
    ],
  },
  {
    factory: sns,
    options: [
      { region: 'eu-central-1', accountId: '123456789012', endpoint: 'https://a.example.com', queueEndpoint: 'https://b.example.com', timeoutMs: 5_000 },
    ],
    urls: ['sns://eu-central-1?accountId=123456789012&waitTimeMs=10000', 'sns:'],
    routes: [
      {
        fifo: true,
        filterHeaders: ['a'],
        subscriptions: { billing: { queue: 'q', raw: false, fifo: false, undelivered: 'u', encryption: { kmsKeyId: 'k' } } },
      },
    ],
  },
  {
    factory: kinesis,
    options: [
      {
        region: 'eu-central-1',
        endpoint: 'https://k.example.com',
        shardShare: false,
        readShare: 0.5,
        leaseMs: 9_000,
        checkpointMs: 3_000,
        maxRequestBytes: 1_048_576,
      },
    ],
    urls: ['kinesis://eu-central-1?shardShare=0.5&readShare=false&leaseMs=9000', 'kinesis:'],
    routes: [
      { envelope: true, capacity: { shards: 4 }, aggregate: true, fanOut: true },
      { capacity: 'on-demand', retentionMs: 86_400_000 },
    ],
  },
]

const refused = withCode('ERR_CONFIGURATION')
const name = textLike([
  'orders',
  'orders.fifo',
  'arn:aws:sqs:eu-central-1:123456789012:orders',
  'https://sqs.eu-central-1.amazonaws.com/123456789012/orders',
  'a/b',
  'amq.x',
])
const header = { tenant: ['acme', { prefix: 'a' }, { exists: true }] }

/** Options of drivers by object, by URL, and of routes. */
export const driverTargets: readonly Target[] = drivers.flatMap((samples) => {
  const { factory, options, urls, routes } = samples
  const scheme = factory.schemes[0] as string
  const changedRoute = membersLike(routes, 'code')
  const made = options.map((one) => factory.fromConfiguration(one as Readonly<Record<string, unknown>>))
  return [
    target({
      name: `${scheme}-options`,
      generate: membersLike(options, 'code'),
      decode: (given) => factory.fromConfiguration(given),
      problem: isDriver,
      mayThrow: refused,
    }),
    target({
      name: `${scheme}-url`,
      generate: textLike(urls),
      decode: (text) => (URL.canParse(text) ? factory.fromUrl(new URL(text)) : undefined),
      problem: (driver) => driver && isDriver(driver),
      mayThrow: refused,
    }),
    target({
      name: `${scheme}-route`,
      generate: (draw) => ({ driver: draw.pick(made), endpoint: endpoint(draw, changedRoute(draw)) }),
      decode: ({ driver, endpoint: given }) => ({
        capabilities: driver.capabilities(given),
        address: driver.address(given),
        reserved: driver.reserves?.(given) ?? [],
      }),
      problem: ({ capabilities, address, reserved }) =>
        first(
          'refused' in capabilities
            ? expected(isText(capabilities.refused) && isText(capabilities.remedy), 'the refusal is', capabilities)
            : expected(isText(capabilities.kind) && Object.isFrozen(capabilities), 'capabilities are', capabilities),
          expected(isText(address), 'the address is', address),
          expected(reserved.every(isText), 'what is reserved is', reserved),
        ),
    }),
  ]
})

/** Options of stores. */
export const storeTargets = [
  target({
    name: 'redis-options',
    generate: valueLike(
      [
        { url: 'rediss://user:p%40ss@host:6379/0', tls: { ca: 'x' }, prefix: 'p:', timeoutMs: 1_000, fenceMemoryMs: 60_000, connectionName: 'x' },
        { cluster: ['redis://localhost:7000', 'redis://127.0.0.1:7001'], allowPlaintext: false },
      ],
      'code',
    ),
    decode: (options) => redisStore(options as never),
    problem: (store) => expected(typeof store.claim === 'function', 'it is no store', store),
    mayThrow: refused,
  }),
  target({
    name: 'dynamodb-options',
    generate: valueLike(
      [{ region: 'eu-central-1', endpoint: 'http://localhost:8000', table: 'claims', timeoutMs: 1_000, maxParallel: 4, fenceMemoryMs: 60_000 }],
      'code',
    ),
    decode: (options) => dynamoStore(options as never),
    problem: (store) => expected(typeof store.claim === 'function', 'it is no store', store),
    mayThrow: refused,
  }),
]

function isDriver(driver: Driver): string | undefined {
  return expected(isText(driver.name) && typeof driver.connect === 'function', 'it is no driver', driver)
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

/** Of the form that core makes. */
function endpoint(draw: Draw, options: Readonly<Record<string, unknown>>): Endpoint {
  const kind = draw.pick(['queue', 'topic', 'stream'] as const)
  const own = { destination: 'orders', kind, name: name(draw), keyed: draw.chance(0.5), maxAttempts: draw.below(11), options }
  const subscription =
    kind !== 'queue' && draw.chance(0.6) ? { name: draw.pick(['billing', 'x'.repeat(200), 'ä']), ...(draw.chance(0.3) && { headerFilter: header }) } : undefined
  const deadLetterName = optional(draw, name, 0.3)
  const deadLettersOf = draw.chance(0.1) ? own : undefined
  return { ...own, ...(subscription && { subscription }), ...(deadLetterName !== undefined && { deadLetterName }), ...(deadLettersOf && { deadLettersOf }) }
}
