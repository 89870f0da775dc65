import type { Clock, Timer } from '@busbar/core/driver'
import type { MqttClient } from 'mqtt'

/**
 * Stops reading from a connection: the client library takes no further packet until it is called back, and what the broker sends waits in the network. The broker's answers
 * to pings wait there too, so that the link is kept alive from here meanwhile, and a dead one is noticed when reading goes on.
 */
export class ReadHold {
  readonly #client: MqttClient
  readonly #clock: Clock
  readonly #everyMs: number
  #holding = false
  #next: (() => void) | undefined
  #pings: Timer | undefined

  constructor(client: MqttClient, clock: Clock, keepaliveMs: number) {
    this.#client = client
    this.#clock = clock
    this.#everyMs = keepaliveMs / 2
  }

  hold(): void {
    if (this.#holding) return
    this.#holding = true
    this.#ping()
  }

  /** Reads on. */
  release(): void {
    this.#holding = false
    this.#pings?.cancel()
    const next = this.#next
    this.#next = undefined
    next?.()
  }

  /** Calls `next`, which makes the library take the next packet, now or at the release. */
  pass(next: () => void): void {
    if (this.#holding) this.#next = next
    else next()
  }

  #ping(): void {
    this.#pings = this.#clock.timer(this.#clock.monotonic() + this.#everyMs, () => {
      if (!this.#holding) return
      this.#client.sendPing()
      this.#client.reschedulePing(true)
      this.#ping()
    })
  }
}
