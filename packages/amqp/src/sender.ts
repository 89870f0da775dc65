import type { Endpoint, Outgoing, Sender, SendResult, Services } from '@busbar/core/driver'
import type { ConfirmChannel, Options } from 'amqplib'
import type { Publication } from './confirms.ts'
import type { ConnectionManager } from './connection-manager.ts'
import { copiedOptions, deliveredMessage } from './copy-options.ts'
import { amqpError } from './errors.ts'
import { HeaderTable } from './header-table.ts'
import { contentOf, headerBytes, isShort, maxHeaderBytes, maxShortBytes, publishOptions, sizeOf } from './message-mapping.ts'
import { Publisher } from './publisher.ts'
import { sendRestoring, type Restoration } from './restoration.ts'
import type { ResolvedRouteOptions } from './route-options.ts'
import { Target } from './target.ts'

/** Sends to one queue, its partition queues, or one exchange. */
export class AmqpSender implements Sender {
  onWritable: (() => void) | undefined
  readonly #publisher: Publisher
  readonly #target: Target
  readonly #mandatory: boolean
  readonly #refusal: 'no' | 'unknown'
  readonly #restoration: Restoration
  readonly #headerTable = new HeaderTable()

  constructor(endpoint: Endpoint, options: ResolvedRouteOptions, manager: ConnectionManager, services: Services, restoration: Restoration) {
    this.#target = new Target(endpoint, options)
    this.#mandatory = options.mandatory
    // Straight into one quorum queue, or up to it through the ladder's: these refuse a message before they write it.
    this.#refusal = options.queueType === 'quorum' && (endpoint.kind === 'queue' || endpoint.subscription !== undefined) ? 'no' : 'unknown'
    this.#restoration = restoration
    this.#publisher = new Publisher(`${endpoint.kind} ${endpoint.name}`, manager, services, () => this.onWritable?.())
  }

  get writable(): boolean {
    return this.#publisher.writable
  }

  send(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly SendResult[]> {
    const publication = new OutgoingPublication(batch, this.#target, this.#mandatory, this.#refusal, this.#headerTable)
    if (!this.#restoration.active) return this.#publisher.send(publication, signal)
    return sendRestoring(this.#restoration, () => this.#publisher.send(publication, signal))
  }

  sizeOf(message: Outgoing): number {
    return sizeOf(message)
  }

  close(): Promise<void> {
    return this.#publisher.close()
  }
}

class OutgoingPublication implements Publication {
  readonly refusal: 'no' | 'unknown'
  readonly #messages: readonly Outgoing[]
  readonly #target: Target
  readonly #mandatory: boolean
  readonly #headerTable: HeaderTable

  constructor(messages: readonly Outgoing[], target: Target, mandatory: boolean, refusal: 'no' | 'unknown', headerTable: HeaderTable) {
    this.refusal = refusal
    this.#messages = messages
    this.#target = target
    this.#mandatory = mandatory
    this.#headerTable = headerTable
  }

  get size(): number {
    return this.#messages.length
  }

  idOf(index: number): string {
    return this.#at(index).id
  }

  bytesOf(index: number): number {
    return this.#at(index).bodyBytes
  }

  publish(channel: ConfirmChannel, index: number): void {
    const message = this.#at(index)
    checkMessage(message)
    this.#target.aim(message)
    const original = message.copyOf === undefined ? undefined : deliveredMessage(message.copyOf)
    const options = original === undefined ? this.#optionsOf(message) : copiedOptions(message, this.#mandatory, original)
    channel.publish(this.#target.exchange, this.#target.routingKey, contentOf(message.body), options)
  }

  #optionsOf(message: Outgoing): Options.Publish {
    const options = publishOptions(message, this.#mandatory)
    if (options.headers !== undefined) options.headers = this.#headerTable.with(options.headers)
    return options
  }

  #at(index: number): Outgoing {
    return this.#messages[index] as Outgoing
  }
}

/** Throws for what AMQP cannot carry, before the broker would answer by closing the channel under all other messages. */
export function checkMessage(message: Outgoing): void {
  if (!fits(message.id)) throw invalid(message, `its id has more than ${maxShortBytes} bytes`)
  for (const name in message.headers) if (!fits(name)) throw invalid(message, `the name of header '${name.slice(0, 40)}…' has more than ${maxShortBytes} bytes`)
  // A cheap bound first: three bytes per character and the type and length of each field.
  let bound = 0
  for (const name in message.headers) bound += 3 * (name.length + (message.headers[name]?.length ?? 0)) + 16
  if (bound > maxHeaderBytes / 2 && headerBytes(message) > maxHeaderBytes) {
    throw amqpError('ERR_TOO_LARGE', `Message ${message.id}: its headers have ${headerBytes(message)} bytes; AMQP's client takes ${maxHeaderBytes}`, {
      messageId: message.id,
    })
  }
  if (message.timeToLiveMs !== undefined && message.delayMs !== undefined)
    throw invalid(message, 'a lifetime and a delay cannot be combined, since the lifetime would end the delay')
}

function fits(text: string): boolean {
  return isShort(text)
}

function invalid(message: Outgoing, why: string): Error {
  return amqpError('ERR_INVALID', `Message ${message.id.slice(0, 128)}: ${why}.`, { messageId: message.id.slice(0, 128) })
}
