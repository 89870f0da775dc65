import type { AddressTemplate, BrokerError, Capabilities, Endpoint, Outgoing, Sender, SendResult } from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import { sendUnder, type SendUnderFaults } from '../faults/send-faults.ts'
import type { Profile } from '../profiles/profile.ts'
import { exceeds } from '../profiles/size.ts'
import { templateOf } from '../resources.ts'
import type { MemoryLink } from './link.ts'

/** Stores accepted messages, in order, and answers for each of them. */
export type Store = (batch: readonly Outgoing[], now: number) => SendResult[]

/** Sends to one endpoint. Storing is synchronous: a batch is in the broker when `send` returns its promise. */
export class MemorySender implements Sender, SendUnderFaults {
  onWritable: (() => void) | undefined = undefined
  readonly place: string
  readonly partial: boolean
  readonly #link: MemoryLink
  readonly #endpoint: Endpoint
  readonly #profile: Profile
  readonly #capabilities: Capabilities
  readonly #put: Store
  readonly #template: AddressTemplate | undefined
  #closed = false

  constructor(link: MemoryLink, endpoint: Endpoint, place: string, profile: Profile, capabilities: Capabilities, put: Store) {
    this.#link = link
    this.#endpoint = endpoint
    this.place = place
    this.#profile = profile
    this.#capabilities = capabilities
    this.partial = capabilities.batchOrder === 'partial'
    this.#put = put
    this.#template = templateOf(endpoint)
    link.senders.add(this)
  }

  get writable(): boolean {
    return this.#link.up && !this.#closed
  }

  sizeOf(message: Outgoing): number {
    return this.#profile.sizeOf(message, this.#template?.filled(message.parameters) ?? this.place)
  }

  send(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly SendResult[]> {
    const refused = this.#refuseAll(batch, signal)
    if (refused !== undefined) return Promise.resolve(batch.map(() => refused))
    this.#link.services.meter('send', 1)
    const { faults } = this.#link.world
    return faults === undefined ? Promise.resolve(this.store(batch)) : sendUnder(faults, batch, this)
  }

  store(batch: readonly Outgoing[]): SendResult[] {
    const now = this.#link.world.clock.monotonic()
    let refused: (SendResult | undefined)[] | undefined
    for (let index = 0; index < batch.length; index++) {
      const result = this.#refuse(batch[index] as Outgoing)
      if (result !== undefined) (refused ??= new Array<SendResult | undefined>(batch.length))[index] = result
    }
    const carried = this.#carried(batch)
    if (refused === undefined) return this.#put(carried, now)
    const results = refused
    const stored = this.#put(
      carried.filter((_, index) => results[index] === undefined),
      now,
    )
    return batch.map((_, index) => results[index] ?? (stored.shift() as SendResult))
  }

  /** As the protocol carries it: with timestamps as fine as they travel. */
  #carried(batch: readonly Outgoing[]): readonly Outgoing[] {
    const resolution = this.#capabilities.timestampResolutionMs
    if (resolution === 1) return batch
    return batch.map((message) => {
      // A plain client may give none.
      const timestamp = message.timestamp as number | undefined
      return timestamp === undefined ? message : { ...message, timestamp: Math.floor(timestamp / resolution) * resolution }
    })
  }

  drop(downMs: number): void {
    this.#link.drop(downMs)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#link.senders.delete(this)
  }

  #refuse(message: Outgoing): SendResult | undefined {
    const bytes = this.sizeOf(message)
    const { maxMessageBytes } = this.#capabilities
    const error =
      bytes > maxMessageBytes
        ? memoryError('ERR_TOO_LARGE', `The message has ${bytes} bytes; ${this.#endpoint.destination} takes up to ${maxMessageBytes}`, {
            destination: this.#endpoint.destination,
            messageId: message.id,
          })
        : (this.#refuseAddress(message) ?? this.#refuseWishes(message) ?? this.#profile.refuse(message, this.#endpoint))
    return error && { ok: false, stored: 'no', error }
  }

  #refuseAddress(message: Outgoing): BrokerError | undefined {
    if (this.#template === undefined) return undefined
    const address = this.#template.filled(message.parameters)
    if (address === undefined) return this.#invalid(message, 'has an address template, which the parameters of the message do not fill')
    const most = this.#profile.addressBytes || 0
    return exceeds(address, most) ? this.#invalid(message, `takes addresses of up to ${most} bytes`) : undefined
  }

  /** What the endpoint does not do, or not so far. Core asks for nothing that is not declared; other callers may. */
  #refuseWishes(message: Outgoing): BrokerError | undefined {
    const { delayMs, timeToLiveMs, deduplicationId } = message
    // Most messages wish for nothing.
    if (delayMs === undefined && timeToLiveMs === undefined && deduplicationId === undefined) return undefined
    const { delay, timeToLive, deduplication } = this.#capabilities
    // 0 is no delay, and taken everywhere.
    if (delayMs !== undefined && delayMs !== 0 && !within(delayMs, delay)) return this.#invalid(message, beyond('a delay', delayMs, delay))
    if (timeToLiveMs !== undefined && !within(timeToLiveMs, timeToLive)) return this.#invalid(message, beyond('a time to live', timeToLiveMs, timeToLive))
    if (deduplicationId !== undefined && !deduplication) return this.#invalid(message, 'takes no deduplication id')
    return undefined
  }

  #invalid({ id }: Outgoing, reason: string): BrokerError {
    const { destination } = this.#endpoint
    return memoryError('ERR_INVALID', `${destination} ${reason}`, { destination, messageId: id })
  }

  /** What a broker answers to the request as a whole. */
  #refuseAll(batch: readonly Outgoing[], signal: AbortSignal): SendResult | undefined {
    const { destination } = this.#endpoint
    const { maxBatch } = this.#capabilities
    if (this.#closed) return no(memoryError('ERR_CLOSED', `The sender of ${destination} is closed`, { destination }))
    if (signal.aborted) return no(memoryError('ERR_TIMEOUT', `The send to ${destination} was given up before it was handed over`, { destination }))
    if (!this.#link.up) return no(this.#link.unavailable())
    if (batch.length > maxBatch.messages)
      return no(memoryError('ERR_INVALID', `A request to ${destination} takes up to ${maxBatch.messages} messages, not ${batch.length}`, { destination }))
    if (batch.length === 1) return undefined
    let bytes = 0
    for (const message of batch) bytes += this.sizeOf(message)
    if (bytes > maxBatch.bytes)
      return no(memoryError('ERR_TOO_LARGE', `A request to ${destination} takes up to ${maxBatch.bytes} bytes, not ${bytes}`, { destination }))
    return undefined
  }
}

type Range = { readonly maxMs: number } | false

function within(ms: number, range: Range): boolean {
  return range !== false && ms >= 0 && ms <= range.maxMs
}

function beyond(what: string, ms: number, range: Range): string {
  return range ? `takes ${what} of 0 to ${range.maxMs} ms, not ${ms}` : `takes no message with ${what} of its own`
}

function no(error: ReturnType<typeof memoryError>): SendResult {
  return { ok: false, stored: 'no', error }
}
