import { pbkdf2Sync, randomBytes } from 'node:crypto'

/** What beds of mosquitto can be told. */
export interface MosquittoSettings {
  /** Names and passwords of those that get in. Default: everybody does. */
  readonly users?: Readonly<Record<string, string>>
  /** Lines of its `acl_file`, such as `topic read news/#`. Default: everything is allowed. */
  readonly acl?: readonly string[]
  /** A listener with TLS. Default: none. */
  readonly tls?: MosquittoTls
  /** Further lines of `mosquitto.conf`; they replace those of the bed. */
  readonly config?: Readonly<Record<string, string | number | boolean>>
}

/** Certificates and keys, as PEM. */
export interface MosquittoTls {
  readonly ca: string
  readonly cert: string
  readonly key: string
  /** Whether clients must have a certificate of the same authority. Default false. */
  readonly clientCertificates?: boolean
}

/** Where the broker listens, as it sees it. */
export interface Listeners {
  readonly plain: number
  readonly webSocket: number
  readonly tls: number
  /** The address it binds to. */
  readonly address: string
}

/** Folders, as the broker sees them. */
export interface Folders {
  /** Of the files that are written for it. */
  readonly settings: string
  /** Where it keeps its snapshot. */
  readonly data: string
}

const caFile = 'ca.pem'
const certFile = 'server.pem'
const keyFile = 'server.key'
const passwordFile = 'passwords'
const aclFile = 'acl'
/** The bed asks for it. */
const versionLine = 'pattern read $SYS/broker/version'

/** What a user should have: with the defaults it drops what is more than 1,000 messages in a queue and says that all is well, and lets nobody have more than 20 unacked. */
const defaults = {
  persistence: true,
  max_queued_messages: 0,
  // With this limit the publisher is told, by a disconnect; without any the machine's memory is the limit.
  memory_limit: 256 * 1024 * 1024,
  max_inflight_messages: 0,
  set_tcp_nodelay: true,
}

/** The files of a private instance, by name; `mosquitto.conf` is the one to start with. */
export function filesOf(
  settings: MosquittoSettings,
  listeners: Listeners,
  folders: Folders,
  further: Readonly<Record<string, string>>,
): Record<string, string> {
  const { users, acl, tls, config } = settings
  const { address } = listeners
  const at = (name: string): string => `${folders.settings}/${name}`
  const general = {
    allow_anonymous: users === undefined,
    // With the final slash: it is put before the name of the file as it is.
    persistence_location: `${folders.data}/`,
    ...(users && { password_file: at(passwordFile) }),
    ...(acl && { acl_file: at(aclFile) }),
    ...further,
    ...defaults,
    ...config,
  }
  const secured = {
    cafile: at(caFile),
    certfile: at(certFile),
    keyfile: at(keyFile),
    require_certificate: tls?.clientCertificates === true,
  }
  const lines = [
    ...linesOf(general),
    `listener ${listeners.plain} ${address}`,
    `listener ${listeners.webSocket} ${address}`,
    'protocol websockets',
    ...(tls ? [`listener ${listeners.tls} ${address}`, ...linesOf(secured)] : []),
  ]
  return {
    'mosquitto.conf': lines.map((line) => `${line}\n`).join(''),
    ...(users && { [passwordFile]: passwordsOf(users) }),
    ...(acl && { [aclFile]: [versionLine, ...acl].map((line) => `${line}\n`).join('') }),
    ...(tls && { [caFile]: tls.ca, [certFile]: tls.cert, [keyFile]: tls.key }),
  }
}

function linesOf(options: Readonly<Record<string, string | number | boolean>>): string[] {
  return Object.entries(options).map(([name, value]) => `${name} ${value}`)
}

/** As `mosquitto_passwd` writes them. */
function passwordsOf(users: Readonly<Record<string, string>>): string {
  const iterations = 101
  const lines = Object.entries(users).map(([name, password]) => {
    const salt = randomBytes(12)
    const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha512')
    return `${name}:$7$${iterations}$${salt.toString('base64')}$${hash.toString('base64')}\n`
  })
  return lines.join('')
}
