import type { Socket } from 'node:net'
import { OneWay } from './one-way.ts'
import type { Conditions } from './one-way.ts'

/** One connection through the proxy: a socket on each side. */
export class Link {
  readonly #sockets: readonly Socket[]
  readonly #ways: readonly OneWay[]

  constructor(client: Socket, broker: Socket, up: Conditions, down: Conditions) {
    const cut = (): void => this.cut()
    this.#sockets = [client, broker]
    this.#ways = [new OneWay(client, broker, up, cut), new OneWay(broker, client, down, cut)]
  }

  get open(): boolean {
    return this.#sockets.some((socket) => !socket.destroyed)
  }

  wake(): void {
    for (const way of this.#ways) way.wake()
  }

  /** FIN on both sides. */
  cut(): void {
    this.#stop()
    for (const socket of this.#sockets) {
      // Not destroyed at once: with unread bytes in its buffer the system would send RST instead.
      socket.end()
      setTimeout(() => socket.destroy(), 1_000).unref()
    }
  }

  /** RST on both sides. */
  reset(): void {
    this.#stop()
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  #stop(): void {
    for (const way of this.#ways) way.stop()
  }
}
