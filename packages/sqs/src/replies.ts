import type { BrokerError, Delivery, Incoming, Intake, Outgoing, Replies, SendResult, Services } from '@busbar/core/driver'
import type { Api } from './api.ts'
import { sqsError, toBrokerError } from './errors.ts'
import { addressOf, queueOf, replyPrefix, type QueueName } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import type { Queues } from './queues.ts'
import { SqsReceiver } from './receiver.ts'
import { ReplySender } from './reply-sender.ts'
import { queueSender } from './sender.ts'

/** Nobody waits longer for a reply than for a request. */
const retentionSeconds = 300

/** So many replies are remembered, so that one whose deletion failed is not pushed twice. */
const mostRemembered = 1_000

/**
 * One standard queue of this process for all its replies, made for the first request and deleted at the end.
 * Its name is the address: a URL from outside would choose the host that signed requests are sent to.
 */
export class SqsReplies implements Replies {
  readonly #options: ResolvedOptions
  readonly #api: Api
  readonly #queues: Queues
  readonly #services: Services
  readonly #uniqueId: () => string
  /** By the addresses of requesters. */
  readonly #senders: Map<string, ReplySender> = new Map()
  readonly #closing: AbortController = new AbortController()
  #opening: Promise<string> | undefined
  #open: { readonly queue: QueueName; readonly url: string | undefined; readonly receiver: SqsReceiver } | undefined

  constructor(options: ResolvedOptions, api: Api, queues: Queues, services: Services, uniqueId: () => string) {
    this.#options = options
    this.#api = api
    this.#queues = queues
    this.#services = services
    this.#uniqueId = uniqueId
  }

  open(deliver: (reply: Incoming) => void): Promise<string> {
    return (this.#opening = this.#make(deliver))
  }

  async #make(deliver: (reply: Incoming) => void): Promise<string> {
    const queue = queueOf(`${replyPrefix}${this.#uniqueId()}`, false)
    const url = await this.#create(queue)
    const intake = new ReplyIntake(deliver, this.#services, () => void this.#makeAgain(queue, receiver))
    const parts = { options: this.#options, api: this.#api, queues: this.#queues, services: this.#services, uniqueId: this.#uniqueId }
    const reading = { fifo: false, envelope: undefined, isDeadLetterPlace: false, addressOf: this.#queues.addressOfArn }
    const receiver: SqsReceiver = new SqsReceiver({ ...parts, queue, reading, visibilityMs: this.#options.visibilityTimeoutMs }, intake, {
      messages: 100,
      bytes: 16_777_216,
    })
    intake.receiver = receiver
    this.#open = { queue, url, receiver }
    try {
      const { signal } = this.#closing
      signal.throwIfAborted()
      await this.#queues.createdUrl(queue, this.#services.clock, signal)
      await receiver.start()
      signal.throwIfAborted()
    } catch (error) {
      // Nobody closes what was not opened, and the next request makes another queue.
      await this.#end()
      throw error
    }
    return queue.name
  }

  async send(address: string, reply: Outgoing): Promise<SendResult> {
    if (!isReplyAddress(address)) {
      const error = sqsError('ERR_INVALID', `A reply address is the name of a queue that begins with ${replyPrefix}.`)
      return { ok: false, error, stored: 'no' }
    }
    const result = await this.#senderTo(address).send(reply)
    if (result.ok || result.error.code !== 'ERR_NOT_FOUND') return result
    return { ...result, error: sqsError('ERR_UNROUTABLE', `The requester's queue ${address} is gone.`, { cause: result.error }) }
  }

  /** Requesters come and go: nothing is kept for one to whom nothing is being sent. */
  #senderTo(address: string): ReplySender {
    let sender = this.#senders.get(address)
    if (sender === undefined) {
      const { maxMessageBytes: maxBytes } = this.#options
      const parts = { tenantHeader: undefined, maxBytes, api: this.#api, queues: this.#queues, uniqueId: this.#uniqueId }
      const toQueue = queueSender({ queue: queueOf(address, false), ...parts })
      this.#senders.set(address, (sender = new ReplySender(toQueue, maxBytes, () => this.#senders.delete(address))))
    }
    return sender
  }

  /** What is being opened would otherwise receive for ever. */
  async close(): Promise<void> {
    this.#closing.abort(sqsError('ERR_CLOSED', 'The link is closed.'))
    await this.#opening?.catch(() => undefined)
    await this.#end()
  }

  async #end(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    if (open === undefined) return
    const { queue, url, receiver } = open
    await receiver.pause()
    await receiver.handBack()
    try {
      await this.#api.deleteQueue(url ?? (await this.#queues.url(queue)), { doing: `Deleting ${addressOf(queue)}` })
    } catch (error) {
      this.#services.log('warn', 'replies:left-behind', { queue: queue.name, error: toBrokerError(error, 'Deleting').message })
    }
  }

  #create(queue: QueueName): Promise<string | undefined> {
    const Attributes = { MessageRetentionPeriod: String(retentionSeconds) }
    return this.#api.createQueue({ QueueName: queue.name, Attributes }, { doing: `Creating ${addressOf(queue)}` })
  }

  /** Somebody has deleted it, and the requests to come have its name. */
  async #makeAgain(queue: QueueName, receiver: SqsReceiver): Promise<void> {
    const isOpen = (): boolean => this.#open?.receiver === receiver
    if (!isOpen()) return
    try {
      await this.#create(queue)
    } catch (error) {
      this.#services.log('warn', 'replies:failed', { error: toBrokerError(error, 'Creating').message, fatal: false })
    }
    // Where that has failed, too, it fails again, and this is tried again.
    if (isOpen()) await receiver.resume()
  }
}

/** Hands replies over and deletes them. */
class ReplyIntake implements Intake {
  receiver: SqsReceiver | undefined
  readonly #push: (reply: Incoming) => void
  readonly #services: Services
  readonly #onGone: () => void
  readonly #seen: Set<string> = new Set()

  /** `onGone`: nothing is received any more. */
  constructor(push: (reply: Incoming) => void, services: Services, onGone: () => void) {
    this.#push = push
    this.#services = services
    this.#onGone = onGone
  }

  deliver(deliveries: readonly Delivery[]): void {
    for (const { incoming, sameAs } of deliveries) if (this.#isNew(sameAs)) this.#push(incoming)
    void this.receiver?.settle(deliveries.map((delivery) => ({ delivery, action: 'ack' })))
  }

  lost(): void {
    // A receipt alone is lost, and its reply has been handed over.
  }

  revoke(): Promise<void> {
    return Promise.resolve()
  }

  failed(error: BrokerError, fatal: boolean): void {
    this.#services.log(fatal ? 'error' : 'warn', 'replies:failed', { error: error.message, fatal })
    if (fatal) this.#onGone()
  }

  recovered(): void {
    this.#services.log('info', 'replies:recovered', {})
  }

  #isNew(id: string | undefined): boolean {
    if (id === undefined) return true
    if (this.#seen.has(id)) return false
    const [oldest] = this.#seen.size >= mostRemembered ? this.#seen : []
    if (oldest !== undefined) this.#seen.delete(oldest)
    this.#seen.add(id)
    return true
  }
}

function isReplyAddress(address: string): boolean {
  return address.startsWith(replyPrefix) && /^[A-Za-z0-9_-]{1,80}$/.test(address)
}
