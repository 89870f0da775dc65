import type { AddressParameters } from '../address/address-template.ts'
import { checkedNumber } from '../checked-number.ts'
import type { Headers } from '../driver/sender.ts'
import type { Message, Settlement } from '../message.ts'
import { Directive } from '../outcome.ts'
import { assertKnownKeys } from '../nearest.ts'
import type { Run } from './run.ts'

/** The user's view of a run: fields of the message and its settle calls. */
export class ReceivedMessage implements Message {
  readonly #run: Run
  #id: string | undefined

  constructor(run: Run) {
    this.#run = run
    this.#id = run.incoming.id
  }

  get id(): string {
    return (this.#id ??= this.#run.host.options.freshId())
  }

  get type(): string | undefined {
    return this.#run.incoming.type
  }

  get body(): unknown {
    return this.#run.body
  }

  get headers(): Headers {
    return this.#run.incoming.headers
  }

  get parameters(): AddressParameters | undefined {
    return this.#run.incoming.parameters
  }

  get contentType(): string | undefined {
    return this.#run.incoming.contentType
  }

  get timestamp(): number | undefined {
    return this.#run.incoming.timestamp
  }

  get orderingKey(): string | undefined {
    return this.#run.incoming.key
  }

  get attempt(): number {
    return this.#run.attempt
  }

  get deliveryAttempt(): number | undefined {
    return this.#run.task.delivery.brokerAttempts
  }

  get position(): string | undefined {
    return this.#run.incoming.position
  }

  get native(): unknown {
    return this.#run.incoming.native
  }

  ack(): Promise<Settlement> {
    return this.#run.host.settleNow(this.#run, undefined)
  }

  async nack(options: { readonly delayMs?: number } = {}): Promise<Settlement> {
    assertKnownKeys('nack', options, ['delayMs'])
    const delayMs = checkedNumber('nack: delayMs', options.delayMs ?? 0, 0)
    return this.#run.host.settleNow(this.#run, new Directive('retry', { delayMs }))
  }

  async deadLetter(options: { readonly reason?: string } = {}): Promise<Settlement> {
    assertKnownKeys('deadLetter', options, ['reason'])
    return this.#run.host.settleNow(this.#run, new Directive('dead-letter', { reason: options.reason ?? 'dead-lettered by the handler' }))
  }

  async extend(ms: number): Promise<Settlement> {
    return this.#run.host.extendNow(this.#run, checkedNumber('extend: ms', ms, 1))
  }
}
