import type { BrokerError, Outgoing, Sender, SendResult } from '@busbar/core/driver'
import { mqttError, toBrokerError } from '../errors.ts'
import { sizeOf, type Form } from '../message/outgoing.ts'
import { BatchItem, type Batch } from './batch-item.ts'
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
  /** For texts. */
  readonly #what: string
  readonly #unmatched: Unmatched
  readonly #publisher: Publisher
  readonly #unlisten: () => void
  readonly #queue: QueueCare | undefined
  #checking: Promise<unknown> | undefined
  #checked: boolean
  #closed = false

  constructor(form: Form, unmatched: Unmatched, publisher: Publisher, queue?: QueueCare) {
    this.#form = form
    this.#what = `topic ${form.topic}`
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
    if (this.#closed) return refused(batch, mqttError('ERR_CLOSED', `The sender to ${this.#what} has been closed.`))
    if (signal.aborted) return refused(batch, tooLate(this.#what))
    return this.#checked ? this.#send(batch, signal) : this.#sendChecked(batch, signal)
  }

  /** Calls that come meanwhile wait for the same check, and go on in their order. */
  async #sendChecked(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly SendResult[]> {
    try {
      await (this.#checking ??= this.#queue?.check())
      this.#checked = true
    } catch (error) {
      this.#checking = undefined
      return refused(batch, toBrokerError(error, `Sending to ${this.#what}`))
    }
    return signal.aborted ? refused(batch, tooLate(this.#what)) : this.#send(batch, signal)
  }

  #send(messages: readonly Outgoing[], signal: AbortSignal): Promise<readonly SendResult[]> {
    return new Promise((resolve) => {
      if (messages.length === 0) return resolve([])
      const batch: Batch = {
        form: this.#form,
        unmatched: this.#unmatched,
        what: this.#what,
        signal,
        onUnmatched: this.#queue?.onUnmatched,
        results: [],
        open: messages.length,
        resolve,
      }
      this.#publisher.add(messages.map((message, index) => new BatchItem(batch, message, index)))
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
