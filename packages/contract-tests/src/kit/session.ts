import type { Endpoint, Link, Outgoing, Sender, SendResult, Window } from '@busbar/core/driver'
import { check, show } from './assert.ts'
import { Inbox, type Arrival, type Reaction } from './inbox.ts'
import { outgoing, type MessageParts } from './messages.ts'
import type { Place } from './place.ts'
import type { Changes, Waiting } from './waiting.ts'

export interface ReceiveOptions {
  readonly window?: Window
  readonly react?: (arrival: Arrival) => Reaction
}

/** Wide enough for everything that a case sends. */
const wideWindow: Window = { messages: 1_000, bytes: 256 * 1024 * 1024 }

/** One connection to the broker, with what the case opened on it. */
export class Session {
  readonly link: Link
  readonly #waiting: Waiting
  readonly #changes: Changes
  readonly #now: { now(): number; monotonic(): number }
  readonly #makeId: () => string
  readonly #senders: Map<Endpoint, Sender> = new Map()
  readonly #inboxes: Set<Inbox> = new Set()
  #closed = false

  constructor(link: Link, waiting: Waiting, changes: Changes, now: { now(): number; monotonic(): number }, makeId: () => string) {
    this.link = link
    this.#waiting = waiting
    this.#changes = changes
    this.#now = now
    this.#makeId = makeId
  }

  sender(place: Place): Sender {
    let sender = this.#senders.get(place.destination)
    if (sender === undefined) {
      sender = this.link.sender(place.destination)
      this.#senders.set(place.destination, sender)
    }
    return sender
  }

  outgoing(parts: MessageParts): Outgoing {
    return outgoing(parts, this.#makeId(), this.#now.now())
  }

  /** Sends in as few calls as core would make, one after the other, and returns all answers. */
  async trySend(place: Place, messages: readonly MessageParts[]): Promise<readonly SendResult[]> {
    const results: SendResult[] = []
    const sender = this.sender(place)
    for (const batch of batches(
      place,
      messages.map((parts) => this.outgoing(parts)),
      sender,
    )) {
      const told = new Set<number>()
      const sending = sender.send(batch, new AbortController().signal, (index) => told.add(index))
      const answers = await this.#waiting.answered(sending, `send of ${batch.length} messages`)
      check(answers.length === batch.length, `send answers once per message: ${batch.length} messages, ${answers.length} answers`)
      check(
        [...told].every((index) => answers[index]?.ok === true),
        'what a driver tells to be stored before it answers is answered ok',
      )
      results.push(...answers)
    }
    return results
  }

  /** As {@link trySend}, and every message must have been taken. */
  async send(place: Place, messages: readonly (MessageParts | string)[]): Promise<void> {
    const results = await this.trySend(
      place,
      messages.map((message) => (typeof message === 'string' ? { body: message } : message)),
    )
    const failed = results.findIndex((result) => !result.ok)
    const failure = results[failed]
    check(
      failure === undefined || failure.ok,
      () => `message ${failed + 1} of ${results.length} is taken; the driver answered ${show(failure?.ok === false ? failure.error.message : failure)}`,
    )
  }

  async receive(place: Place, options: ReceiveOptions = {}): Promise<Inbox> {
    const { receiver } = this.link
    check(receiver !== false, 'the link has a receiver for an endpoint that can be received from')
    const inbox = new Inbox(place, this.#waiting, this.#changes, () => this.#now.monotonic())
    if (options.react !== undefined) inbox.react = options.react
    await inbox.open((intake) => receiver.call(this.link, place.source, intake, options.window ?? wideWindow))
    this.#inboxes.add(inbox)
    return inbox
  }

  /** Gives back what is unsettled and stops the receiver for good, as a drain does. */
  async handBack(inbox: Inbox): Promise<void> {
    if (!this.#inboxes.delete(inbox)) return
    await this.#waiting.answered(inbox.receiver.pause(), 'pause')
    await inbox.settled()
    await this.#waiting.answered(inbox.receiver.handBack(), 'handBack')
  }

  owns(inbox: Inbox): boolean {
    return this.#inboxes.has(inbox)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    for (const inbox of this.#inboxes) await this.handBack(inbox)
    for (const sender of this.#senders.values()) await this.#waiting.answered(sender.close(), 'close of the sender')
    await this.#waiting.answered(this.link.close(), 'close of the link')
  }
}

/** The rules that core keeps: count, bytes, and one message of a key per call where a batch can be stored in part. */
function batches(place: Place, messages: readonly Outgoing[], sender: Sender): Outgoing[][] {
  const { maxBatch, batchOrder } = place.capabilities
  const all: Outgoing[][] = []
  let batch: Outgoing[] = []
  let bytes = 0
  for (const message of messages) {
    const size = sender.sizeOf(message)
    const sameKey = batchOrder === 'partial' && message.key !== undefined && batch.some((other) => other.key === message.key)
    if (batch.length > 0 && (batch.length >= maxBatch.messages || bytes + size > maxBatch.bytes || sameKey)) {
      all.push(batch)
      batch = []
      bytes = 0
    }
    batch.push(message)
    bytes += size
  }
  return batch.length === 0 ? all : [...all, batch]
}
