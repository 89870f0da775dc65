import type { Writable } from 'node:stream'
import type { ChannelModel } from 'amqplib'

/**
 * Gathers the frames of one turn into one write: amqplib writes each frame with a system call of its own, which costs more than everything else about it.
 * The socket is not part of amqplib's interface; where it is not found, nothing is gathered and nothing breaks.
 */
export class Cork {
  readonly #socket: Writable | undefined
  #corked = false

  constructor(model: ChannelModel) {
    const { stream } = model.connection as { readonly stream?: Partial<Writable> }
    if (typeof stream?.cork !== 'function' || typeof stream.uncork !== 'function') return
    this.#socket = stream as Writable
    // Frames that did not fit before are written when the socket has drained, before our own listeners run.
    this.#socket.prependListener('drain', () => this.gather())
  }

  /** To be called after frames were given to amqplib: it holds them until an immediate, and then they leave together. */
  gather(): void {
    if (this.#corked || this.#socket === undefined) return
    this.#corked = true
    this.#socket.cork()
    // amqplib schedules that immediate in a tick of its own; this tick, and so this immediate, come after it.
    process.nextTick(this.#schedule)
  }

  readonly #schedule = (): void => {
    setImmediate(this.#release)
  }

  readonly #release = (): void => {
    this.#corked = false
    this.#socket?.uncork()
  }
}
