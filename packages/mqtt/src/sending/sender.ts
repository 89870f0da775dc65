import type { Outgoing, Sender, SendResult } from '@busbar/core/driver'
import { mqttError, toBrokerError } from '../errors.ts'
import { publicationOf, sizeOf, type Form } from '../message/outgoing.ts'
import type { Publisher, Unmatched } from './publisher.ts'

/** Sends to one topic. */
export class MqttSender implements Sender {
  onWritable: (() => void) | undefined
  readonly #form: Form
  readonly #unmatched: Unmatched
  readonly #publisher: Publisher
  readonly #unlisten: () => void
  readonly #check: (() => Promise<void>) | undefined
  #checking: Promise<void> | undefined
  #checked: boolean
  #closed = false

  /** `check` is waited for before the first message, and throws a `BrokerError` if there is nowhere to send to: most brokers confirm what they drop. */
  constructor(form: Form, unmatched: Unmatched, publisher: Publisher, check?: () => Promise<void>) {
    this.#form = form
    this.#unmatched = unmatched
    this.#publisher = publisher
    this.#check = check
    this.#checked = check === undefined
    this.#unlisten = publisher.onWritable(() => this.onWritable?.())
  }

  get writable(): boolean {
    return this.#publisher.writable
  }

  send(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly SendResult[]> {
    const what = `topic ${this.#form.topic}`
    if (this.#closed) return refused(batch, mqttError('ERR_CLOSED', `The sender to ${what} has been closed.`))
    if (signal.aborted) return refused(batch, mqttError('ERR_TIMEOUT', `Sending to ${what}: the deadline passed before the message was handed over.`))
    return this.#checked ? this.#send(batch, signal) : this.#sendChecked(batch, signal)
  }

  /** Calls that come meanwhile wait for the same check, and go on in their order. */
  async #sendChecked(batch: readonly Outgoing[], signal: AbortSignal): Promise<readonly SendResult[]> {
    try {
      await (this.#checking ??= this.#check?.() ?? Promise.resolve())
      this.#checked = true
    } catch (error) {
      this.#checking = undefined
      return refused(batch, toBrokerError(error, `Sending to topic ${this.#form.topic}`))
    }
    return this.#send(batch, signal)
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

function refused(batch: readonly Outgoing[], error: ReturnType<typeof mqttError>): Promise<readonly SendResult[]> {
  return Promise.resolve(batch.map(() => ({ ok: false, error, stored: 'no' })))
}
