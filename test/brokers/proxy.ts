import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { Link } from './proxy/link.ts'
import type { Conditions } from './proxy/one-way.ts'

/** `up` is client → broker, `down` is broker → client. */
export type Direction = 'up' | 'down' | 'both'

/** A TCP proxy on the loopback interface that does to connections what networks do. */
export interface FaultProxy extends AsyncDisposable {
  readonly port: number
  /** Open connections. */
  readonly connections: number
  /** Connections accepted since the start, the refused ones not counted. */
  readonly accepted: number
  /** Delay added to each direction, in milliseconds. Default 0. */
  delayMs: number
  /** Limit per connection and direction. Default: none. */
  bytesPerSecond: number | undefined
  /** The same URL, but through this proxy. */
  through(url: string): string
  /** Ends all connections in the orderly way (FIN) on both sides. */
  cut(): void
  /** Ends all connections the hard way (RST) on both sides. */
  reset(): void
  /** Stops forwarding and reading, without a word to either side: a half-open link. New connections get silence too. */
  freeze(direction: Direction): void
  /** Forwards again, also what waited and ends that came meanwhile. */
  thaw(): void
  /** Whether new connections are reset at once. Open ones are left alone. */
  refuse(on: boolean): void
  /**
   * After so many further bytes in a direction, counted over all connections, ends the connection that carries the
   * last of them (FIN), wherever in a frame that is. Once; the promise resolves at the cut.
   */
  cutAfterBytes(bytes: number, direction?: 'up' | 'down'): Promise<void>
  close(): Promise<void>
}

/** Starts a proxy in front of a port of this machine. */
export async function startProxy(targetPort: number): Promise<FaultProxy> {
  const links = new Set<Link>()
  const up: Conditions = { delayMs: 0, bytesPerSecond: undefined, frozen: false, budget: undefined }
  const down: Conditions = { ...up }
  let refusing = false
  let accepted = 0

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    client.on('error', () => {})
    if (refusing) {
      client.resetAndDestroy()
      return
    }
    accepted++
    const broker = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    const link = new Link(client, broker, up, down)
    links.add(link)
    for (const socket of [client, broker]) {
      socket.once('close', () => {
        if (!link.open) links.delete(link)
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const wake = (): void => {
    for (const link of links) link.wake()
  }
  const reset = (): void => {
    for (const link of links) link.reset()
  }
  const close = async (): Promise<void> => {
    if (server.listening) server.close()
    reset()
  }
  return {
    port,
    get connections() {
      return links.size
    },
    get accepted() {
      return accepted
    },
    get delayMs() {
      return up.delayMs
    },
    set delayMs(value) {
      up.delayMs = down.delayMs = value
    },
    get bytesPerSecond() {
      return up.bytesPerSecond
    },
    set bytesPerSecond(value) {
      up.bytesPerSecond = down.bytesPerSecond = value
    },
    through(url) {
      const changed = new URL(url)
      changed.hostname = '127.0.0.1'
      changed.port = String(port)
      return changed.href
    },
    cut() {
      for (const link of links) link.cut()
    },
    reset,
    freeze(direction) {
      if (direction !== 'down') up.frozen = true
      if (direction !== 'up') down.frozen = true
      wake()
    },
    thaw() {
      up.frozen = down.frozen = false
      wake()
    },
    refuse(on) {
      refusing = on
    },
    cutAfterBytes(bytes, direction = 'up') {
      const { promise, resolve } = Promise.withResolvers<void>()
      ;(direction === 'up' ? up : down).budget = { bytes, spent: resolve }
      return promise
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
