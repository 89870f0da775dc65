import type { Message, MessageSystemAttributeName, ReceiveMessageCommandInput } from '@aws-sdk/client-sqs'
import { jitteredBackoff, type BrokerError, type Services, type Timer, type Window } from '@busbar/core/driver'
import type { Api } from './api.ts'
import { isIdentityAway } from './aws-errors.ts'
import type { ReceiveTimes } from './delivery.ts'
import { toBrokerError } from './errors.ts'
import type { Held } from './held.ts'
import { limits } from './limits.ts'
import { addressOf, type QueueName } from './names.ts'
import type { PollLine } from './poll-line.ts'
import { PollerCount } from './poller-count.ts'
import type { SizeEstimate } from './size-estimate.ts'

export interface PollerParts {
  readonly queue: QueueName
  readonly api: Api
  readonly services: Services
  readonly held: Held
  readonly estimate: SizeEstimate
  readonly url: () => Promise<string>
  readonly uniqueId: () => string
  readonly visibilityMs: number
  readonly waitMs: number
  readonly maxPollers: number
  readonly retryMaxMs: number
  /** Called for every answer that holds messages. */
  readonly onMessages: (messages: readonly Message[], times: ReceiveTimes) => void
  /** Called for an answer that came when receiving had just been stopped. */
  readonly onUnwanted: (messages: readonly Message[], times: ReceiveTimes) => void
  /** `refusedForMs`: for how long there has been nothing but errors that do not pass by themselves. */
  readonly onFailed: (error: BrokerError, refusedForMs: number) => void
  readonly onRecovered: () => void
}

/** A receive that is out, and the room that is kept for what it may bring. */
interface Poll {
  readonly messages: number
  readonly bytes: number
}

/** What is made use of, and what there is only sometimes: every attribute costs as much as a header of the message. */
const systemAttributes: MessageSystemAttributeName[] = [
  'ApproximateReceiveCount',
  'SentTimestamp',
  'MessageGroupId',
  'SequenceNumber',
  'DeadLetterQueueSourceArn',
  'AWSTraceHeader',
]
/** A receive with few messages costs as much as one with ten: it waits this long for more room. */
const lingerMs = 50
const firstRetryMs = 100
/** After a failure a short wait tells soon that all is well again. */
const probeMs = 1_000

/** Keeps receives out while the window has room. */
export class Pollers {
  readonly #parts: PollerParts
  readonly #count: PollerCount
  #polls: Poll[] = []
  /** While it runs. */
  #line: PollLine | undefined
  /** FIFO: ids of receives whose answers were lost. Asked again with the same id, SQS gives the same messages again. */
  readonly #lostAttempts: string[] = []
  #window: Window
  #timer: Timer | undefined
  /** Monotonic milliseconds: no receive before, as the last answer was an error or came too soon. */
  #notBefore = 0
  /** Until when more room is waited for. */
  #lingerUntil: number | undefined
  #failures = 0
  /** Monotonic milliseconds of the first of the latest errors that do not pass by themselves. */
  #refusedSince: number | undefined

  constructor(parts: PollerParts, window: Window) {
    this.#parts = parts
    this.#count = new PollerCount(parts.maxPollers)
    this.#window = window
  }

  start(): void {
    if (this.#line !== undefined) return
    this.#line = this.#parts.api.pollLine()
    this.#refusedSince = undefined
    this.#pump()
  }

  /** At once: what SQS has handed out and not delivered yet comes again when its visibility timeout ends. Returns whether receives were out. */
  stop(): boolean {
    const polls = this.#polls
    this.#polls = []
    this.#timer?.cancel()
    this.#timer = undefined
    this.#line?.end()
    this.#line = undefined
    return polls.length > 0
  }

  resize(window: Window): void {
    this.#window = window
    this.#pump()
  }

  /** Call it when there may be more room. */
  wake(): void {
    this.#pump()
  }

  #pump(): void {
    const line = this.#line
    if (line === undefined) return
    this.#parts.held.dropExpired(this.#now)
    while (this.#polls.length < this.#count.wanted) {
      const wakeAt = this.#obstacle()
      if (wakeAt !== undefined) return this.#pumpAt(wakeAt)
      this.#lingerUntil = undefined
      const messages = this.#room()
      void this.#poll(line, { messages, bytes: messages * this.#parts.estimate.bytes })
    }
  }

  /** When to look again, if there is no receive to be made now. */
  #obstacle(): number | undefined {
    const now = this.#now
    if (now < this.#notBefore) return this.#notBefore
    const room = this.#room()
    // Leases that end make room too, and nobody need settle what was lost by that.
    if (room === 0) return this.#parts.held.nextExpiry()
    if (room >= this.#worthwhile) return undefined
    this.#lingerUntil ??= now + lingerMs
    return now < this.#lingerUntil ? this.#lingerUntil : undefined
  }

  #pumpAt(atMs: number): void {
    this.#timer?.cancel()
    this.#timer = atMs === Infinity ? undefined : this.#parts.services.clock.timer(atMs, () => this.#pump())
  }

  async #poll(line: PollLine, poll: Poll): Promise<void> {
    const { queue, uniqueId, url } = this.#parts
    const attempt = queue.fifo ? (this.#lostAttempts.pop() ?? uniqueId()) : undefined
    const waitMs = this.#failures > 0 ? Math.min(probeMs, this.#parts.waitMs) : this.#parts.waitMs
    this.#polls.push(poll)
    let askedAt = this.#now
    try {
      const QueueUrl = await url()
      askedAt = this.#now
      if (line.ended) return
      const messages = await line.receive(this.#input(QueueUrl, poll.messages, waitMs, attempt), waitMs, this.#doing)
      this.#remove(poll)
      if (line.ended) return this.#parts.onUnwanted(messages, { askedAt, answeredAt: this.#now })
      this.#succeed(poll, messages, { askedAt, answeredAt: this.#now }, waitMs)
    } catch (error) {
      this.#remove(poll)
      if (line.ended) return
      if (attempt !== undefined) this.#lostAttempts.push(attempt)
      this.#fail(toBrokerError(error, this.#doing))
    }
  }

  #remove(poll: Poll): void {
    const index = this.#polls.indexOf(poll)
    if (index >= 0) this.#polls.splice(index, 1)
  }

  #input(QueueUrl: string, messages: number, waitMs: number, attempt: string | undefined): ReceiveMessageCommandInput {
    return {
      QueueUrl,
      MaxNumberOfMessages: messages,
      WaitTimeSeconds: waitMs / 1_000,
      VisibilityTimeout: this.#parts.visibilityMs / 1_000,
      MessageAttributeNames: ['All'],
      MessageSystemAttributeNames: systemAttributes,
      ...(attempt !== undefined && { ReceiveRequestAttemptId: attempt }),
    }
  }

  #succeed(poll: Poll, messages: readonly Message[], times: ReceiveTimes, waitMs: number): void {
    if (this.#failures > 0) {
      this.#failures = 0
      this.#refusedSince = undefined
      this.#parts.onRecovered()
    }
    this.#count.learn({ asked: poll.messages, received: messages.length, waited: (times.answeredAt - times.askedAt) / waitMs })
    if (messages.length > 0) this.#parts.onMessages(messages, times)
    this.#notBefore = this.#now + this.#count.pauseMs
    this.#pump()
  }

  #fail(error: BrokerError): void {
    const { random } = this.#parts.services
    const mayPass = error.retryable || isIdentityAway(error)
    this.#refusedSince = mayPass ? undefined : (this.#refusedSince ?? this.#now)
    const backoffMs = jitteredBackoff(this.#failures, firstRetryMs, this.#parts.retryMaxMs, random)
    this.#failures++
    this.#count.fail()
    this.#parts.onFailed(error, this.#now - (this.#refusedSince ?? this.#now))
    this.#notBefore = this.#now + backoffMs
    this.#pump()
  }

  /** How many messages the next receive may bring. One message is always taken, however large. */
  #room(): number {
    const { estimate, held } = this.#parts
    let messages = this.#window.messages - held.messages
    let bytes = this.#window.bytes - held.bytes
    for (const poll of this.#polls) {
      messages -= poll.messages
      bytes -= poll.bytes
    }
    const room = Math.max(0, Math.min(limits.receiveMessages, messages, Math.floor(bytes / estimate.bytes)))
    return room === 0 && held.messages === 0 && this.#polls.length === 0 && this.#window.messages > 0 ? 1 : room
  }

  /** Half a window, so that handlers don't run dry while the other half is waited for. */
  get #worthwhile(): number {
    return Math.min(limits.receiveMessages, Math.ceil(this.#window.messages / 2))
  }

  get #now(): number {
    return this.#parts.services.clock.monotonic()
  }

  get #doing(): string {
    return `Receiving from ${addressOf(this.#parts.queue)}`
  }
}
