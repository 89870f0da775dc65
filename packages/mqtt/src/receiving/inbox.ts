import type { Window } from '@busbar/core/driver'
import type { MqttDelivery } from './delivery.ts'

/** Received, and not with core yet: what exceeds its window, or came while it is paused. */
export class Inbox {
  #waiting: MqttDelivery[] = []
  /** Those before it have been handed over. */
  #taken = 0
  #bytes = 0

  get size(): number {
    return this.#waiting.length - this.#taken
  }

  get bytes(): number {
    return this.#bytes
  }

  add(delivery: MqttDelivery): void {
    this.#waiting.push(delivery)
    this.#bytes += delivery.incoming.bodyBytes
  }

  /** What there is room for, in order. One message is always taken, however large. */
  take(window: Window, handed: number, handedBytes: number): readonly MqttDelivery[] {
    const taken: MqttDelivery[] = []
    let [messages, bytes] = [handed, handedBytes]
    for (let next = this.#waiting[this.#taken]; next !== undefined; next = this.#waiting[++this.#taken]) {
      const { bodyBytes } = next.incoming
      if (next.scope.live) {
        if (messages > 0 && (messages >= window.messages || bytes + bodyBytes > window.bytes)) break
        messages++
        bytes += bodyBytes
        taken.push(next)
      }
      this.#bytes -= bodyBytes
    }
    this.#shorten()
    return taken
  }

  /** Forgets what is of connections that have ended. */
  dropDead(): void {
    this.#waiting = this.#waiting.slice(this.#taken).filter(({ scope }) => scope.live)
    this.#taken = 0
    this.#bytes = this.#waiting.reduce((sum, { incoming }) => sum + incoming.bodyBytes, 0)
  }

  #shorten(): void {
    if (this.#taken * 2 < this.#waiting.length) return
    this.#waiting = this.#waiting.slice(this.#taken)
    this.#taken = 0
  }
}
