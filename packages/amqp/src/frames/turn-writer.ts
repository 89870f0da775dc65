import type { Wire } from './wire.ts'

/**
 * Writes to the socket, all of one turn together, past the queue that amqplib has for each channel: that takes a tick, an immediate and a tenth of what a message costs.
 * What cannot go at once has to wait there, in order.
 */
export class TurnWriter {
  readonly #wire: Wire
  #corked = false

  constructor(wire: Wire) {
    this.#wire = wire
  }

  /** False for what was not written, and belongs into that queue. */
  write(channel: number, bytes: Buffer): boolean {
    const { stream } = this.#wire
    const { buffer } = this.#wire.channels[channel] as Wire['channels'][number]
    // What amqplib holds of this channel goes first, and it holds everything once the socket is full.
    if (buffer.readableLength !== 0 || buffer.writableLength !== 0 || stream.writableNeedDrain) return false
    this.#cork()
    stream.write(bytes)
    return true
  }

  #cork(): void {
    if (this.#corked) return
    this.#corked = true
    this.#wire.stream.cork()
    process.nextTick(this.#release)
  }

  readonly #release = (): void => {
    this.#corked = false
    this.#wire.stream.uncork()
  }
}
