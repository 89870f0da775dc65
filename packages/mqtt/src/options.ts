import { suggestion } from '@busbar/core/driver'
import { parseAddress, type Address } from './address.ts'
import { configuration } from './errors.ts'
import { limits } from './limits.ts'
import { booleanOf, checkKnown, integer, oneOf, optionalText, textLike, wholeSeconds } from './option-checks.ts'

/** Certificates, as for `tls.connect` of Node. */
export interface MqttTlsOptions {
  /** Authorities to trust instead of the system's, PEM. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[]
  /** Client certificate, PEM. */
  readonly cert?: string | Uint8Array
  readonly key?: string | Uint8Array
  readonly pfx?: string | Uint8Array
  readonly passphrase?: string
  /** Name that the server's certificate must carry. Default: the host of the URL. */
  readonly servername?: string
}

/** Options of {@link mqtt}. */
export interface MqttOptions {
  /**
   * `mqtts://user:password@host:8883`, `wss://host/path`, or a list of them to fail over to in turn. Plain `mqtt://` and `ws://` are accepted for loopback
   * addresses only, unless {@link MqttOptions.allowPlaintext} is set.
   */
  readonly url: string | readonly string[]
  /** Allows `mqtt://` and `ws://` to remote hosts: passwords and messages travel in clear text. Default false. */
  readonly allowPlaintext?: boolean
  /** For URLs that name none. */
  readonly username?: string
  readonly password?: string
  /** Refused when no URL is `mqtts://` or `wss://`. Default: the system's authorities, no client certificate. */
  readonly tls?: MqttTlsOptions
  /** 5 (default) or 4, which is MQTT 3.1.1. */
  readonly protocolVersion?: 5 | 4
  /**
   * First part of all client ids and the name of the group of shared subscriptions. All processes of one service must have the same: a subscription is the session of
   * one client id, which is made of this, the topic and the subscription's name. 1 to 40 letters, digits, `_`, `.` and `-`. Default `busbar`.
   */
  readonly clientId?: string
  /**
   * First level of the topics in which the driver keeps notes on sessions, one small retained message for each, and on which processes talk about them. The user must
   * be allowed to read and write below it. 1 to 40 letters, digits, `_`, `.` and `-`. Default `busbar`.
   */
  readonly notesTopic?: string
  /**
   * How long the broker keeps the session of a subscription that nobody receives from, in milliseconds: 60,000 to 4,294,967,000, whole seconds; `false` (default) for
   * ever. MQTT 5 only, in 3.1.1 the broker decides. Maps to Session Expiry Interval.
   */
  readonly sessionExpiryMs?: number | false
  /** A silent connection is given up after one and a half times this, in milliseconds. 1,000 to 600,000; whole seconds. Default 15,000. Maps to Keep Alive. */
  readonly keepaliveMs?: number
  /** Bounds one attempt to connect, a subscription, and closing, in milliseconds. 100 to 600,000. Default 10,000. */
  readonly timeoutMs?: number
  /** Longest wait between two attempts to reconnect, in milliseconds. 100 to 600,000. Default 10,000. */
  readonly reconnectMaxMs?: number
  /** Quality of service of destinations without an option of their own: 0 loses messages and confirms none, 1 (default) delivers at least once, 2 sends each once to the broker. */
  readonly qos?: 0 | 1 | 2
  /**
   * Most messages that the broker may have sent and not seen acked, for each session; MQTT 5 only. 1 to 65,535. Default: the window of the consumer (`maxInFlight`), at
   * least 64, so that a window has room to grow. Maps to Receive Maximum.
   */
  readonly receiveMaximum?: number
  /** Most messages sent and not confirmed, where the broker's own Receive Maximum is not lower; in any case no more than 1 MiB, or one message. 1 to 65,535. Default 1,000. */
  readonly maxUnconfirmed?: number
  /** Largest packet that the broker takes, in bytes, for brokers that don't say so: 1,024 to 268,435,455 (default), the limit of MQTT. */
  readonly maxPacketBytes?: number
  /**
   * Queues are shared subscriptions. MQTT 5 brokers say whether they have them. For 3.1.1 say `true` if yours has; whether it delivers is tried at start. Default: true with
   * MQTT 5, else false.
   */
  readonly sharedSubscriptions?: boolean
  /** Sessions of a queue without an option of its own, and so the most processes that can share it. 1 to 64. Default 4. Fixed at creation. */
  readonly members?: number
  /** How often the processes that share a queue look whether they should, in milliseconds. 100 to 60,000. Default 1,000. */
  readonly rebalanceMs?: number
  /** How long running handlers may take when a member's session moves to another process, in milliseconds. Default 30,000. */
  readonly handOverMs?: number
}

/** {@link MqttOptions} checked and with defaults. */
export interface ResolvedOptions {
  readonly addresses: readonly Address[]
  readonly tls: MqttTlsOptions
  readonly protocolVersion: 5 | 4
  readonly clientId: string
  readonly notesTopic: string
  /** As MQTT 5 sends it. */
  readonly sessionExpirySeconds: number
  readonly keepaliveMs: number
  readonly timeoutMs: number
  readonly reconnectMaxMs: number
  readonly qos: 0 | 1 | 2
  readonly receiveMaximum: number | undefined
  readonly maxUnconfirmed: number
  readonly maxPacketBytes: number
  readonly sharedSubscriptions: boolean
  readonly members: number
  readonly rebalanceMs: number
  readonly handOverMs: number
}

export const maxMembers = 64

const known: readonly (keyof MqttOptions)[] = [
  'url',
  'allowPlaintext',
  'username',
  'password',
  'tls',
  'protocolVersion',
  'clientId',
  'notesTopic',
  'sessionExpiryMs',
  'keepaliveMs',
  'timeoutMs',
  'reconnectMaxMs',
  'qos',
  'receiveMaximum',
  'maxUnconfirmed',
  'maxPacketBytes',
  'sharedSubscriptions',
  'members',
  'rebalanceMs',
  'handOverMs',
]
const knownTls: readonly (keyof MqttTlsOptions)[] = ['ca', 'cert', 'key', 'pfx', 'passphrase', 'servername']

/** Throws `ERR_CONFIGURATION` that names the option and what it allows. */
export function resolveOptions(options: MqttOptions): ResolvedOptions {
  checkKnown('mqtt', options, known)
  const protocolVersion = oneOf('protocolVersion', options.protocolVersion, [5, 4], 5)
  checkMeaning(options, protocolVersion)
  const { receiveMaximum } = options
  return {
    addresses: addressesOf(options, protocolVersion),
    tls: options.tls ?? {},
    protocolVersion,
    clientId: word('clientId', options.clientId),
    notesTopic: word('notesTopic', options.notesTopic),
    sessionExpirySeconds: sessionExpiryOf(options.sessionExpiryMs),
    keepaliveMs: wholeSeconds('keepaliveMs', options.keepaliveMs, 15_000, 1_000, 600_000),
    timeoutMs: integer('timeoutMs', options.timeoutMs, 10_000, 100, 600_000),
    reconnectMaxMs: integer('reconnectMaxMs', options.reconnectMaxMs, 10_000, 100, 600_000),
    qos: oneOf('qos', options.qos, [0, 1, 2], 1),
    receiveMaximum: receiveMaximum === undefined ? undefined : integer('receiveMaximum', receiveMaximum, 1, 1, limits.inFlight),
    maxUnconfirmed: integer('maxUnconfirmed', options.maxUnconfirmed, 1_000, 1, limits.inFlight),
    maxPacketBytes: integer('maxPacketBytes', options.maxPacketBytes, limits.packetBytes, 1_024, limits.packetBytes),
    sharedSubscriptions: booleanOf('sharedSubscriptions', options.sharedSubscriptions, protocolVersion === 5),
    members: integer('members', options.members, 4, 1, maxMembers),
    rebalanceMs: integer('rebalanceMs', options.rebalanceMs, 1_000, 100, 60_000),
    handOverMs: integer('handOverMs', options.handOverMs, 30_000, 0, 3_600_000),
  }
}

const queryNumbers: readonly string[] = [
  'protocolVersion',
  'sessionExpiryMs',
  'keepaliveMs',
  'timeoutMs',
  'reconnectMaxMs',
  'qos',
  'receiveMaximum',
  'maxUnconfirmed',
  'maxPacketBytes',
  'members',
  'rebalanceMs',
  'handOverMs',
]
const queryBooleans: readonly string[] = ['allowPlaintext', 'sharedSubscriptions']
const queryKnown: readonly string[] = [...queryNumbers, ...queryBooleans, 'clientId', 'notesTopic', 'hosts']

/**
 * Options in a URL: `mqtts://user:password@host:8883?hosts=host2:8883,host3&clientId=billing&protocolVersion=4`. `hosts` are further hosts to fail over to; all others
 * are named as in {@link MqttOptions}. Throws `ERR_CONFIGURATION` without secrets.
 */
export function optionsFromUrl(url: URL): MqttOptions {
  const options: Record<string, unknown> = {}
  for (const [name, text] of url.searchParams) {
    if (!queryKnown.includes(name)) throw configuration(`mqtt URL: unknown parameter '${name.slice(0, 64)}'${suggestion(name, queryKnown)}`)
    if (queryNumbers.includes(name)) options[name] = text === 'false' ? false : text.trim() === '' ? Number.NaN : Number(text)
    else if (queryBooleans.includes(name)) options[name] = text === 'true' || text === '' ? true : text === 'false' ? false : text
    else if (name !== 'hosts') options[name] = text
  }
  const base = new URL(url)
  base.search = ''
  const hosts = (url.searchParams.get('hosts') ?? '').split(',').filter((host) => host !== '')
  return { ...options, url: [base.href, ...hosts.map((host) => withHost(base, host))] }
}

function withHost(base: URL, host: string): string {
  const changed = URL.parse(`${base.protocol}//${host}`)
  if (changed === null) throw configuration("mqtt URL: parameter 'hosts' needs hosts with optional ports, separated by commas")
  changed.username = base.username
  changed.password = base.password
  changed.pathname = base.pathname
  return changed.href
}

function addressesOf({ url, allowPlaintext, username, password, tls }: MqttOptions, protocolVersion: 5 | 4): readonly Address[] {
  const urls = typeof url === 'string' ? [url] : url
  if (!Array.isArray(urls) || urls.length === 0) throw configuration("mqtt: option 'url' needs a URL or a list of URLs")
  const plain = booleanOf('allowPlaintext', allowPlaintext, false)
  const given = { username: optionalText('username', username), password: optionalText('password', password) }
  const addresses = urls.map((text): Address => {
    const address = parseAddress(text, plain)
    return { ...address, username: address.username ?? given.username, password: address.password ?? given.password }
  })
  if (protocolVersion === 4 && addresses.some((address) => address.password !== undefined && address.username === undefined))
    throw configuration("mqtt: MQTT 3.1.1 has no password without a user; set option 'username'")
  if (tls === undefined) return addresses
  checkKnown('mqtt: tls', tls, knownTls)
  if (!addresses.some(({ secure }) => secure))
    throw configuration("mqtt: option 'tls' has a meaning with mqtts:// and wss:// only; use such a URL, or remove it")
  return addresses
}

/** What would be dropped in silence is refused. */
function checkMeaning({ sessionExpiryMs, receiveMaximum, sharedSubscriptions, members }: MqttOptions, protocolVersion: 5 | 4): void {
  if (protocolVersion === 4) {
    if (sessionExpiryMs !== undefined) throw configuration("mqtt: option 'sessionExpiryMs' has a meaning with MQTT 5 only; remove it")
    if (receiveMaximum !== undefined) throw configuration("mqtt: option 'receiveMaximum' has a meaning with MQTT 5 only; remove it")
  }
  if (members !== undefined && !(sharedSubscriptions ?? protocolVersion === 5))
    throw configuration(
      "mqtt: option 'members' has a meaning with shared subscriptions only; set sharedSubscriptions: true if the broker has them, or remove it",
    )
}

function sessionExpiryOf(value: unknown): number {
  if (value === undefined || value === false) return limits.sessionExpiryNever
  return wholeSeconds('sessionExpiryMs', value, 0, 60_000, 4_294_967_000) / 1_000
}

function word(name: string, value: unknown): string {
  return textLike(name, value, 'busbar', /^[A-Za-z0-9_.-]{1,40}$/, 'a text of 1 to 40 letters, digits, _, . and -')
}
