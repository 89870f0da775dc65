import { amqp } from '@busbar/amqp'
import { connect, queue, type Broker } from '@busbar/core'
import { configurationIn } from '@busbar/core/decoders'
import { kinesis } from '@busbar/kinesis'
import { memory } from '@busbar/memory'
import { mqtt } from '@busbar/mqtt'
import { sns } from '@busbar/sns'
import { sqs } from '@busbar/sqs'
import { expected } from '../checks.ts'
import { jsonLike, textLike, valueLike } from '../inputs.ts'
import { target, withCode } from '../target.ts'

const orders = queue('orders')
const options = { drivers: [memory, amqp, mqtt, sqs, sns, kinesis], destinations: [orders], log: () => undefined }
const configurations = [
  { driver: 'memory:?seed=7', routes: { orders: { driver: { name: 'amqp', url: 'amqp://localhost' }, name: 'prod', deadLetter: { destination: 'dead' } } } },
  { driver: { name: 'sqs', region: 'eu-central-1' }, routes: { orders: { deadLetter: 'drop', maxAttempts: 5, options: { fifo: true }, nativeLimit: false } } },
  { driver: { name: 'mqtt', url: ['mqtt://localhost', 'mqtts://h'] }, emulate: ['filter'], provision: 'create', routes: { orders: 'kinesis://eu-central-1' } },
]
const urls = [
  'memory:?profile=sqs-fifo&seed=7',
  'amqps://user:password@host/vhost?hosts=host2:5671,host3&heartbeat=10',
  'mqtts://user:password@host:8883?hosts=host2:8883&clientId=billing&protocolVersion=4',
  'sqs://eu-central-1?waitTimeMs=10000&endpoint=http://localhost:4566',
  'sns://eu-central-1?accountId=123456789012',
  'kinesis://eu-central-1?shardShare=0.5&readShare=false',
]
const refused = withCode('ERR_CONFIGURATION')

const isBroker = (broker: Broker): string | undefined =>
  expected(typeof broker.start === 'function' && typeof broker.drain === 'function', 'it is no broker', broker)

/** Brokers by configuration alone: as an object, in a file, as a URL. */
export const configurationTargets = [
  target({
    name: 'configuration',
    generate: valueLike(configurations, 'code'),
    // Text in its place is a URL or a path, which is looked at below, and would be looked for in the file system.
    decode: (value) => (typeof value === 'string' || value instanceof URL ? undefined : connect(value as never, options)),
    problem: (broker) => broker && isBroker(broker),
    mayThrow: refused,
  }),
  target({
    name: 'configuration-file',
    generate: jsonLike(configurations),
    decode: (text) => connect(configurationIn('configuration file x.json', text), options),
    problem: isBroker,
    mayThrow: refused,
  }),
  target({
    name: 'configuration-url',
    generate: textLike(urls),
    decode: (text) => (/^file:|\.json$/i.test(text) ? undefined : connect(text, options)),
    problem: (broker) => broker && isBroker(broker),
    mayThrow: refused,
  }),
]
