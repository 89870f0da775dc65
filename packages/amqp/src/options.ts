import { suggestion, type BrokerError } from '@busbar/core/driver'
import { parseAddress, type Address } from './address.ts'
import { amqpError } from './errors.ts'
import { checkDriverMeaning } from './meaningful.ts'

/** Certificates, as for `tls.connect` of Node. */
export interface AmqpTlsOptions {
  /** Authorities to trust instead of the system's, PEM. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Client certificate, PEM; with {@link AmqpOptions.authentication} `external` it is the identity. */
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
  readonly pfx?: string | Uint8Array
  readonly passphrase?: string
  /** Name that the server's certificate must carry. Default: the host of the URL. */
  readonly servername?: string
}

/** Options of {@link amqp}. */
export interface AmqpOptions {
  /**
   * `amqps://user:password@host:5671/vhost`, or a list of them to fail over to in turn. Without a path the vhost is `/`.
   * Plain `amqp://` is accepted for loopback addresses only, unless {@link AmqpOptions.allowPlaintext} is set.
   */
  readonly url: string | readonly string[]
  /** Allows `amqp://` to remote hosts: passwords and messages travel in clear text. Default false. */
  readonly allowPlaintext?: boolean
  /** Refused when no URL is `amqps://`. Default: the system's authorities, no client certificate. */
  readonly tls?: AmqpTlsOptions
  /** `plain` (default): user and password of the URL. `external`: the client certificate, with `amqps://` only. */
  readonly authentication?: 'plain' | 'external'
  /** Name shown in the broker's list of connections, followed by their purpose. Default `busbar`. */
  readonly connectionName?: string
  /** A silent connection is given up after two to three times this, in milliseconds. 1,000 to 600,000; whole seconds. Default 10,000. */
  readonly heartbeatMs?: number
  /** Bounds one attempt to connect, opening a channel, and closing, in milliseconds. 100 to 600,000. Default 10,000. */
  readonly timeoutMs?: number
  /** Longest wait between two attempts to reconnect, in milliseconds. 100 to 600,000. Default 10,000. */
  readonly reconnectMaxMs?: number
  /** Type of queues without an option of their own. Default `quorum`. */
  readonly queueType?: 'quorum' | 'classic'
  /** Partition queues of a destination with ordering keys that has no option of its own. 1 to 256. Default 8. Fixed at creation. */
  readonly partitions?: number
  /** Delayed sends and redeliveries by a ladder of 28 queues per virtual host. Default true; false makes delays unsupported. */
  readonly delays?: boolean
  /** The broker's `consumer_timeout`: how long a message may be held unsettled, in milliseconds; false if it is off. Default 1,800,000 (30 minutes), as the broker's. */
  readonly consumerTimeoutMs?: number | false
  /** The broker's `max_message_size` in bytes. Default 16,777,216 (16 MiB), that of RabbitMQ 4. At most 536,870,912. */
  readonly maxMessageBytes?: number
  /** How often the members of a partitioned source compare notes, in milliseconds. 100 to 60,000. Default 1,000. */
  readonly rebalanceMs?: number
  /** How long running handlers may take when a partition moves to another process, in milliseconds. Default 30,000. */
  readonly handOverMs?: number
}

/** {@link AmqpOptions} checked and with defaults. */
export interface ResolvedOptions {
  readonly addresses: readonly Address[]
  readonly tls: AmqpTlsOptions
  readonly authentication: 'plain' | 'external'
  readonly connectionName: string
  readonly heartbeatMs: number
  readonly timeoutMs: number
  readonly reconnectMaxMs: number
  readonly queueType: 'quorum' | 'classic'
  readonly partitions: number
  readonly delays: boolean
  readonly consumerTimeoutMs: number | false
  readonly maxMessageBytes: number
  readonly rebalanceMs: number
  readonly handOverMs: number
}

const known: readonly (keyof AmqpOptions)[] = [
  'url',
  'allowPlaintext',
  'tls',
  'authentication',
  'connectionName',
  'heartbeatMs',
  'timeoutMs',
  'reconnectMaxMs',
  'queueType',
  'partitions',
  'delays',
  'consumerTimeoutMs',
  'maxMessageBytes',
  'rebalanceMs',
  'handOverMs',
]
const knownTls: readonly (keyof AmqpTlsOptions)[] = ['ca', 'cert', 'key', 'pfx', 'passphrase', 'servername']

/** Throws `ERR_CONFIGURATION` that names the option and what it allows. */
export function resolveOptions(options: AmqpOptions): ResolvedOptions {
  checkKnown('amqp', options, known)
  const tls = options.tls ?? {}
  checkKnown('amqp: tls', tls, knownTls)
  const urls = typeof options.url === 'string' ? [options.url] : options.url
  if (!Array.isArray(urls) || urls.length === 0) throw configuration("amqp: option 'url' needs a URL or a list of URLs")
  const addresses = urls.map((url) => parseAddress(url, booleanOf('allowPlaintext', options.allowPlaintext, false)))
  checkDriverMeaning(options, addresses)
  const { consumerTimeoutMs = 1_800_000 } = options
  return {
    addresses,
    tls,
    authentication: oneOf('authentication', options.authentication, ['plain', 'external']),
    connectionName: textOf('connectionName', options.connectionName, 'busbar'),
    heartbeatMs: wholeSeconds('heartbeatMs', options.heartbeatMs, 10_000, 1_000, 600_000),
    timeoutMs: integer('timeoutMs', options.timeoutMs, 10_000, 100, 600_000),
    reconnectMaxMs: integer('reconnectMaxMs', options.reconnectMaxMs, 10_000, 100, 600_000),
    queueType: oneOf('queueType', options.queueType, ['quorum', 'classic']),
    partitions: integer('partitions', options.partitions, 8, 1, maxPartitions),
    delays: booleanOf('delays', options.delays, true),
    consumerTimeoutMs: consumerTimeoutMs === false ? false : integer('consumerTimeoutMs', consumerTimeoutMs, 0, 1_000, 2 ** 31 - 1),
    maxMessageBytes: integer('maxMessageBytes', options.maxMessageBytes, 16_777_216, 1_024, 536_870_912),
    rebalanceMs: integer('rebalanceMs', options.rebalanceMs, 1_000, 100, 60_000),
    handOverMs: integer('handOverMs', options.handOverMs, 30_000, 0, 3_600_000),
  }
}

export const maxPartitions = 256

const queryNumbers = ['heartbeatMs', 'timeoutMs', 'reconnectMaxMs', 'partitions', 'consumerTimeoutMs', 'maxMessageBytes', 'rebalanceMs', 'handOverMs'] as const
const queryBooleans = ['allowPlaintext', 'delays'] as const
const queryTexts = ['authentication', 'connectionName', 'queueType'] as const
const queryKnown: readonly string[] = [...queryNumbers, ...queryBooleans, ...queryTexts, 'hosts', 'heartbeat']

/**
 * Options in a URL: `amqps://user:password@host/vhost?hosts=host2:5671,host3&heartbeat=10`. `hosts` are further hosts to fail over to; `heartbeat` is in
 * seconds as in RabbitMQ's own URIs; all others are named as in {@link AmqpOptions}. Throws `ERR_CONFIGURATION` without secrets.
 */
export function optionsFromUrl(url: URL): AmqpOptions {
  const options: Record<string, unknown> = {}
  const base = new URL(url)
  base.search = ''
  const urls = [base.href]
  const seen = new Set<string>()
  for (const [name, text] of url.searchParams) {
    if (!queryKnown.includes(name)) throw configuration(`amqp URL: unknown parameter '${name.slice(0, 64)}'${suggestion(name, queryKnown)}`)
    const option = name === 'heartbeat' ? 'heartbeatMs' : name
    if (seen.has(option)) throw configuration(`amqp URL: parameter '${name}' is given twice`)
    seen.add(option)
    if (name === 'hosts') urls.push(...text.split(',').map((host) => withHost(base, host)))
    else options[option] = valueOf(name, text)
  }
  return { ...options, url: urls }
}

/** What a parameter's text stands for; the text itself where it stands for nothing, which is then refused with the name of the option. */
function valueOf(name: string, text: string): unknown {
  if (name === 'heartbeat') return text === '' ? text : Number(text) * 1_000
  if (includes(queryNumbers, name)) return text === 'false' ? false : text === '' ? text : Number(text)
  if (includes(queryBooleans, name)) return text === 'true' || text === '' ? true : text === 'false' ? false : text
  return text
}

function withHost(base: URL, host: string): string {
  const changed = URL.parse(`${base.protocol}//${host}`)
  // Path, user and parameters are those of the URL: others would be dropped.
  if (changed === null || host === '' || changed.href !== `${base.protocol}//${changed.host}`)
    throw configuration("amqp URL: parameter 'hosts' needs hosts with optional ports, separated by commas")
  changed.username = base.username
  changed.password = base.password
  changed.pathname = base.pathname
  return changed.href
}

/** Throws `ERR_CONFIGURATION` for the first key that is not known, with the nearest one. */
export function checkKnown(what: string, options: object, names: readonly string[]): void {
  if (typeof options !== 'object' || options === null) throw configuration(`${what}: an object of options is needed`)
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw configuration(`${what}: unknown option '${name.slice(0, 64)}'${suggestion(name, names)}`)
  }
}

export function integer(name: string, value: unknown, fallback: number, min: number, max: number): number {
  if (value === undefined) return fallback
  if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number
  throw configuration(`amqp: option '${name}' must be a whole number from ${min} to ${max}`)
}

function wholeSeconds(name: string, value: unknown, fallback: number, min: number, max: number): number {
  const ms = integer(name, value, fallback, min, max)
  if (ms % 1_000 === 0) return ms
  throw configuration(`amqp: option '${name}' must be a multiple of 1000, because AMQP counts it in whole seconds`)
}

/** The first alternative is the default. */
export function oneOf<const T extends string>(name: string, value: unknown, alternatives: readonly [T, ...T[]]): T {
  if (value === undefined) return alternatives[0]
  if (includes(alternatives, value)) return value
  throw configuration(`amqp: option '${name}' must be ${alternatives.map((text) => `'${text}'`).join(' or ')}`)
}

export function booleanOf(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value === 'boolean') return value
  throw configuration(`amqp: option '${name}' must be true or false`)
}

export function textOf(name: string, value: unknown, fallback: string): string {
  if (value === undefined) return fallback
  if (typeof value === 'string' && Buffer.byteLength(value) <= 255) return value
  throw configuration(`amqp: option '${name}' must be a text of at most 255 bytes`)
}

export function configuration(message: string): BrokerError {
  return amqpError('ERR_CONFIGURATION', message)
}

function includes<T extends string>(list: readonly T[], value: unknown): value is T {
  return (list as readonly unknown[]).includes(value)
}
