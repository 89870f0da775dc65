import type { Incoming, Outgoing, Replies, SendResult } from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import { incomingOf } from '../queue/stored.ts'
import type { MemoryLink } from './link.ts'

/** Reply addresses of all links of one broker. */
export type ReplyAddresses = Map<string, (reply: Incoming) => void>

/** The reply address of one link. Replies are delivered in the microtask after they were sent. */
export class MemoryReplies implements Replies {
  readonly #link: MemoryLink
  readonly #addresses: ReplyAddresses
  #own: string | undefined

  constructor(link: MemoryLink, addresses: ReplyAddresses) {
    this.#link = link
    this.#addresses = addresses
  }

  async open(deliver: (reply: Incoming) => void): Promise<string> {
    this.#own ??= `memory:replies/${this.#link.name}`
    this.#addresses.set(this.#own, deliver)
    return this.#own
  }

  async send(address: string, reply: Outgoing): Promise<SendResult> {
    if (!this.#link.up) return { ok: false, stored: 'no', error: this.#link.unavailable() }
    const deliver = this.#addresses.get(address)
    if (deliver === undefined)
      return { ok: false, stored: 'no', error: memoryError('ERR_UNROUTABLE', `Nobody waits for replies at ${address}`, { messageId: reply.id }) }
    this.#link.services.meter('send', 1)
    queueMicrotask(() => deliver(incomingOf(reply)))
    return { ok: true }
  }

  async close(): Promise<void> {
    if (this.#own !== undefined) this.#addresses.delete(this.#own)
  }
}
