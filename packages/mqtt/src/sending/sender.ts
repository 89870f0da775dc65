import type { BrokerError, Outgoing, Sender, SendResult } from '@busbar/core/driver'
import { mqttError, toBrokerError } from '../errors.ts'
import { publicationOf, sizeOf, type Form } from '../message/outgoing.ts'
import type { Unmatched } from './item.ts'
import type { Publisher } from './publisher.ts'

/** What queues need beyond topics. */
export interface QueueCare {
  /** Waited for before the first message; throws a `BrokerError` if there is nowhere to send to: most brokers confirm what they drop. */
  readonly check: () => Promise<unknown>
  /** The broker has said that nobody takes a message. */
  readonly onUnmatched: () => void
}

/** Sends to one topic. */
export class MqttSender implements Sender {
  onWritable: (() => void) | undefined
  readonly #form: Form
  readonly #unmatched: Unmatched
  readonly #publisher: Publisher
  readonly #unlisten: () => void
  readonly #queue: QueueCare | undefined
  #checking: Promise<unknown> | undefined
  #checked: boolean
  #closed = false

  constructor(form: Form, unmatched: Unmatched, publisher: Publisher, queue?: QueueCare) {
    this.#form = form
    this.#unmatched = unmatched
    this.#publisher = publisher
    this.#queue = queue
    this.#checked = queue === undefined
    this.#unlisten = publisher.onWritable(() => this.onWritable?.())
  }

  get writable(): boolean {
    return this.#publisher.writable
  }

  send(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly SendResult[]> {
    const what = `topic ${this.#form.topic}`
    if (this.#closed) return refused(batch, mqttError('ERR_CLOSED', `The sender to ${what} has been closed.`))
    if (signal.aborted) return refused(batch, tooLate(what))
    return this.#checked ? this.#send(batch, signal) : this.#sendChecked(batch, signal)
  }

  /** Calls that come meanwhile wait for the same check, and go on in their order. */
  async #sendChecked(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly SendResult[]> {
    try {
      await (this.#checking ??= this.#queue?.check())
      this.#checked = true
    } catch (error) {
      this.#checking = undefined
      return refused(batch, toBrokerError(error, `Sending to topic ${this.#form.topic}`))
    }
    return signal.aborted ? refused(batch, tooLate(`topic ${this.#form.topic}`)) : this.#send(batch, signal)
  }

  #send(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly SendResult[]> {
    const what = `topic ${this.#form.topic}`
    return new Promise((resolve) => {
      const results: SendResult[] = []
      let open = batch.length
      if (open === 0) resolve(results)
      this.#publisher.add(
        batch.map((message, index) => ({
          write: () => publicationOf(message, this.#form),
          size: () => sizeOf(message, this.#form),
          unmatched: this.#unmatched,
          what,
          signal,
          settle: (result) => {
            if (!result.ok && result.error.code === 'ERR_UNROUTABLE') this.#queue?.onUnmatched()
            results[index] = result
            if (--open === 0) resolve(results)
          },
        })),
      )
    })
  }

  sizeOf(message: Outgoing): number {
    return sizeOf(message, this.#form)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#unlisten()
  }
}

function tooLate(what: string): BrokerError {
  return mqttError('ERR_TIMEOUT', `Sending to ${what}: the deadline passed before the message was handed over.`)
}

function refused(batch: readonly Outgoing[], error: BrokerError): Promise<readonly SendResult[]> {
  return Promise.resolve(batch.map(() => ({ ok: false, error, stored: 'no' })))
}
