import { isLoopback } from '@busbar/core/driver'
import { amqpError } from './errors.ts'

/** One broker host with what is needed to log in. */
export interface Address {
  readonly secure: boolean
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly vhost: string
  /** For texts: without user and password. */
  readonly label: string
}

/** Throws `ERR_CONFIGURATION`, without secrets. */
export function parseAddress(text: unknown, allowPlaintext: boolean): Address {
  const url = typeof text === 'string' ? URL.parse(text) : null
  if (url === null) throw amqpError('ERR_CONFIGURATION', "amqp: option 'url' is not a URL; amqps://user:password@host/vhost is the form")
  if (url.protocol !== 'amqp:' && url.protocol !== 'amqps:') {
    throw amqpError('ERR_CONFIGURATION', `amqp: scheme '${url.protocol.slice(0, -1)}' in option 'url' is not known; use amqps (or amqp on this machine)`)
  }
  if (url.search !== '' || url.hash !== '')
    throw amqpError('ERR_CONFIGURATION', "amqp: option 'url' takes no parameters; use options beside it, or amqp.fromUrl")
  const secure = url.protocol === 'amqps:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (host === '') throw amqpError('ERR_CONFIGURATION', "amqp: option 'url' names no host")
  if (!secure && !allowPlaintext && !isLoopback(host)) {
    throw amqpError('ERR_CONFIGURATION', `amqp: plain amqp:// to ${host} would send the password in clear text; use amqps://, or set allowPlaintext: true`)
  }
  const port = url.port === '' ? (secure ? 5671 : 5672) : Number(url.port)
  const anonymous = url.username === '' && url.password === ''
  const vhost = url.pathname === '' || url.pathname === '/' ? '/' : decode(url.pathname.slice(1))
  return {
    secure,
    host,
    port,
    username: anonymous ? 'guest' : decode(url.username),
    password: anonymous ? 'guest' : decode(url.password),
    vhost,
    label: `${url.protocol}//${url.hostname}:${port}/${vhost === '/' ? '' : encodeURIComponent(vhost)}`,
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    throw amqpError('ERR_CONFIGURATION', "amqp: option 'url' holds a malformed percent sequence")
  }
}
