import { isLoopback } from '@busbar/core/driver'
import { configuration } from './errors.ts'

export const schemes = ['mqtt', 'mqtts', 'ws', 'wss'] as const
export type Scheme = (typeof schemes)[number]

const ports: Readonly<Record<Scheme, number>> = { mqtt: 1_883, mqtts: 8_883, ws: 80, wss: 443 }

/** One broker host with what is needed to log in. */
export interface Address {
  readonly scheme: Scheme
  readonly secure: boolean
  readonly host: string
  readonly port: number
  /** Of WebSockets. */
  readonly path: string
  readonly username: string | undefined
  readonly password: string | undefined
  /** For texts: without user and password. */
  readonly label: string
}

/** Throws `ERR_CONFIGURATION`, without secrets. */
export function parseAddress(text: unknown, allowPlaintext: boolean): Address {
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (url === null) throw configuration("mqtt: option 'url' is not a URL; mqtts://user:password@host:8883 is the form")
  const scheme = schemes.find((known) => `${known}:` === url.protocol)
  if (scheme === undefined)
    throw configuration(`mqtt: scheme '${url.protocol.slice(0, -1)}' in option 'url' is not known; use mqtts or wss (or mqtt and ws on this machine)`)
  if (url.search !== '' || url.hash !== '') throw configuration("mqtt: option 'url' takes no parameters; use options beside it, or mqtt.fromUrl")
  const secure = scheme === 'mqtts' || scheme === 'wss'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (host === '') throw configuration("mqtt: option 'url' names no host")
  if (!secure && !allowPlaintext && !isLoopback(host))
    throw configuration(
      `mqtt: plain ${scheme}:// to ${host} would send passwords and messages in clear text; use mqtts:// or wss://, or set allowPlaintext: true`,
    )
  const webSocket = scheme === 'ws' || scheme === 'wss'
  if (!webSocket && !['', '/'].includes(url.pathname)) throw configuration("mqtt: option 'url' has a path, which has a meaning with ws:// and wss:// only")
  const port = url.port === '' ? ports[scheme] : Number(url.port)
  return {
    scheme,
    secure,
    host,
    port,
    path: url.pathname === '' ? '/' : url.pathname,
    username: url.username === '' ? undefined : decode(url.username),
    password: url.password === '' ? undefined : decode(url.password),
    label: `${scheme}://${url.hostname}:${port}${webSocket ? url.pathname : ''}`,
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw configuration("mqtt: option 'url' holds a malformed percent sequence")
  }
}
