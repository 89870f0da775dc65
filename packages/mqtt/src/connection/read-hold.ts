import type { Clock, Timer } from '@busbar/core/driver'
import type { MqttClient } from 'mqtt'

/**
 * Stops reading from a connection: the client library takes no further packet until it is called back, and what the broker sends waits in the network. The broker's answers
 * to pings wait there too, so that the link is kept alive from here meanwhile, and a dead one is noticed when reading goes on.
 */
export class ReadHold {
  readonly #client: MqttClient
  readonly #clock: Clock
  #holding = false
  /** Since the last ping from here. */
  #held = false
  #next: (() => void) | undefined
  #pings: Timer | undefined

  constructor(client: MqttClient, clock: Clock) {
    this.#client = client
    this.#clock = clock
  }

  hold(): void {
    if (this.#holding) return
    this.#holding = true
    this.#held = true
    if (this.#pings !== undefined) return
    // An answer to a ping may have waited behind what is not read.
    this.#client.reschedulePing(true)
    this.#ping()
  }

  /** Reads on. Pings come from here for one more interval, so that holds which come and go leave no gap. */
  release(): void {
    this.#holding = false
    const next = this.#next
    this.#next = undefined
    next?.()
  }

  /** The connection has ended. */
  end(): void {
    this.release()
    this.#pings?.cancel()
    this.#held = false
  }

  /** Calls `next`, which makes the library take the next packet, now or at the release. */
  pass(next: () => void): void {
    if (this.#holding) this.#next = next
    else next()
  }

  #ping(): void {
    // Seconds, and the broker's own where it has said how often it wants to hear of us.
    const everyMs = (this.#client.keepalive * 1_000) / 2
    this.#pings = this.#clock.timer(this.#clock.monotonic() + everyMs, () => {
      this.#pings = undefined
      if (!this.#held) return
      this.#held = this.#holding
      this.#client.sendPing()
      this.#client.reschedulePing(true)
      this.#ping()
    })
  }
}
