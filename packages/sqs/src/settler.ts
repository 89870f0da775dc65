import type { BrokerError, Delivery, Outcome, Services, SettleResult } from '@busbar/core/driver'
import type { Api } from './api.ts'
import { SqsDelivery } from './delivery.ts'
import { entryError, sqsError, toBrokerError } from './errors.ts'
import type { Held } from './held.ts'
import { limits } from './limits.ts'
import { addressOf, type QueueName } from './names.ts'

export interface SettlerParts {
  readonly queue: QueueName
  readonly url: () => Promise<string>
  readonly api: Api
  readonly services: Services
  readonly held: Held
}

/** A delivery and its place among the answers. */
interface Entry {
  readonly delivery: SqsDelivery
  readonly index: number
}

/** An entry of ChangeMessageVisibilityBatch. */
interface Change extends Entry {
  readonly seconds: number
}

interface FailedEntry {
  readonly Id?: string | undefined
  readonly Code?: string | undefined
  readonly Message?: string | undefined
  readonly SenderFault?: boolean | undefined
}

/** Settles and extends deliveries, ten in a call. A receipt that has expired is never used to hide or to show a message: on a standard queue that would reach its next receiver. */
export class Settler {
  readonly #parts: SettlerParts
  /** Deliveries whose visibility is being changed, until that is answered. */
  readonly #changing: Map<SqsDelivery, Promise<void>> = new Map()

  constructor(parts: SettlerParts) {
    this.#parts = parts
  }

  async settle(outcomes: readonly Outcome[]): Promise<readonly SettleResult[]> {
    const results: SettleResult[] = []
    const acks: Entry[] = []
    const retries: Change[] = []
    const releases: Change[] = []
    for (let index = 0; index < outcomes.length; index++) {
      const outcome = outcomes[index] as Outcome
      const { delivery } = outcome
      if (!(delivery instanceof SqsDelivery)) results[index] = foreign()
      else if (delivery.state !== 'held') results[index] = delivery.state === 'acked' && outcome.action === 'ack' ? 'durable' : 'too-late'
      // A FIFO queue refuses an expired receipt, also where its message has not come again yet.
      else if (outcome.action === 'ack' && this.#parts.queue.fifo && delivery.leaseUntil <= this.#now) results[index] = 'too-late'
      else if (outcome.action === 'ack') acks.push({ delivery, index })
      else if (outcome.action === 'release') releases.push({ delivery, index, seconds: 0 })
      else if (outcome.action === 'retry') retries.push({ delivery, index, seconds: Math.ceil(outcome.delayMs / 1_000) })
      else results[index] = { error: sqsError('ERR_UNSUPPORTED', 'SQS rejects no messages into its dead-letter queue; discard is not offered.') }
    }
    await Promise.all([this.#delete(acks, results), this.#giveBack(retries, releases, results)])
    return results
  }

  async extend(deliveries: readonly Delivery[], ms: number): Promise<readonly SettleResult[]> {
    const results: SettleResult[] = Array.from({ length: deliveries.length })
    const changes: Change[] = []
    for (const [index, delivery] of deliveries.entries()) {
      if (!(delivery instanceof SqsDelivery)) results[index] = foreign()
      else if (delivery.state !== 'held') results[index] = 'too-late'
      else changes.push({ delivery, index, seconds: Math.ceil(ms / 1_000) })
    }
    const askedAt = this.#now
    await this.#change(changes, results, ({ delivery }) => {
      this.#parts.held.extend(delivery, askedAt + ms)
    })
    return results
  }

  /** All at once: one that could not be given back comes again when its visibility timeout ends. */
  async release(deliveries: readonly SqsDelivery[]): Promise<void> {
    const results = await this.settle(deliveries.map((delivery) => ({ delivery, action: 'release' })))
    const failed = results.filter((result): result is { readonly error: BrokerError } => typeof result === 'object')
    const [first] = failed
    if (first !== undefined)
      this.#parts.services.log('warn', 'release:failed', { queue: this.#parts.queue.name, messages: failed.length, error: first.error.message })
  }

  get #now(): number {
    return this.#parts.services.clock.monotonic()
  }

  async #delete(entries: readonly Entry[], results: SettleResult[]): Promise<void> {
    const { api, held, queue } = this.#parts
    const doing = `Deleting from ${addressOf(queue)}`
    const call = async (part: readonly Entry[]): Promise<readonly FailedEntry[]> => {
      const Entries = part.map(({ delivery }, at) => ({ Id: String(at), ReceiptHandle: delivery.receipt }))
      return (await api.deleteMessages({ QueueUrl: await this.#parts.url(), Entries }, doing)).Failed ?? []
    }
    await this.#inParts(entries, results, doing, call, ({ delivery }) => {
      delivery.state = 'acked'
      held.delete(delivery)
    })
  }

  /** On a FIFO queue what failed before what came behind it, so that the group is held back by its first message whatever happens in between. */
  async #giveBack(retries: readonly Change[], releases: readonly Change[], results: SettleResult[]): Promise<void> {
    const done = ({ delivery }: Change): void => {
      delivery.state = 'given-back'
      this.#parts.held.delete(delivery)
    }
    if (this.#parts.queue.fifo) {
      await this.#change(retries, results, done)
      await this.#change(releases, results, done)
    } else await this.#change([...retries, ...releases], results, done)
  }

  /** No message has two calls out: the earlier one, an extension, might arrive last, and would undo that the message was given back. */
  async #change(changes: readonly Change[], results: SettleResult[], onDone: (change: Change) => void): Promise<void> {
    const earlier = changes.flatMap(({ delivery }) => this.#changing.get(delivery) ?? [])
    const { promise, resolve } = Promise.withResolvers<void>()
    for (const { delivery } of changes) this.#changing.set(delivery, promise)
    if (earlier.length > 0) await Promise.all(earlier)
    try {
      await this.#changeNow(changes, results, onDone)
    } finally {
      for (const { delivery } of changes) if (this.#changing.get(delivery) === promise) this.#changing.delete(delivery)
      resolve()
    }
  }

  async #changeNow(changes: readonly Change[], results: SettleResult[], onDone: (change: Change) => void): Promise<void> {
    const { api, queue } = this.#parts
    const doing = `Changing visibility in ${addressOf(queue)}`
    const possible = changes.filter((change) => {
      const refusal = this.#refusal(change)
      if (refusal !== undefined) results[change.index] = refusal
      return refusal === undefined
    })
    const call = async (part: readonly Change[]): Promise<readonly FailedEntry[]> => {
      const Entries = part.map(({ delivery, seconds }, at) => ({ Id: String(at), ReceiptHandle: delivery.receipt, VisibilityTimeout: seconds }))
      return (await api.changeVisibilities({ QueueUrl: await this.#parts.url(), Entries }, doing)).Failed ?? []
    }
    await this.#inParts(possible, results, doing, call, onDone)
  }

  #refusal({ delivery, seconds }: Change): SettleResult | undefined {
    const now = this.#now
    if (delivery.state !== 'held' || delivery.leaseUntil <= now) return 'too-late'
    if (now + seconds * 1_000 <= delivery.extendableUntil) return undefined
    return {
      error: sqsError(
        'ERR_INVALID',
        `${seconds} s from now is more than ${limits.visibilityMs / 1_000} s after the receipt, the longest that SQS hides a message.`,
      ),
    }
  }

  /** One call after the other, ten entries each. */
  async #inParts<E extends Entry>(
    entries: readonly E[],
    results: SettleResult[],
    doing: string,
    call: (part: readonly E[]) => Promise<readonly FailedEntry[]>,
    onDone: (entry: E) => void,
  ): Promise<void> {
    for (let from = 0; from < entries.length; from += limits.batchEntries) {
      const part = entries.slice(from, from + limits.batchEntries)
      try {
        const failed = await call(part)
        for (let at = 0; at < part.length; at++) {
          const entry = part[at] as E
          const failure = failed.find(({ Id }) => Id === String(at))
          results[entry.index] = failure === undefined ? 'durable' : answerOf(entryError(failure, doing))
          if (failure === undefined) onDone(entry)
          else if (results[entry.index] === 'too-late') this.#parts.held.delete(entry.delivery)
        }
      } catch (error) {
        for (const { index } of part) results[index] = answerOf(toBrokerError(error, doing))
      }
    }
  }
}

function answerOf(error: BrokerError): SettleResult {
  return error.code === 'ERR_TOO_LATE' ? 'too-late' : { error }
}

function foreign(): SettleResult {
  return { error: sqsError('ERR_INVALID', 'The delivery belongs to another receiver.') }
}
