import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type DeleteMessageBatchRequestEntry,
  type Message,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import type { Meter } from '../engine/meter.ts'
import { attributesOf, client, mostInFlight, perRequest, pollers, requests, sqsBodies, type SqsJob, type SqsSubject } from './sqs-subject.ts'

/**
 * The SDK used well: requests of ten, several out at once; receives that don't wait for handlers as long as there is room for what they bring; deletes gathered into
 * tens, also those of messages that came by different receives.
 */
export const rawSqs: SqsSubject = { send, consume }

/** A delete waits so long for nine others. */
const lingerMs = 20

async function send(job: SqsJob, meter: Meter): Promise<void> {
  const sqs = client(job)
  const all = sqsBodies()
  let begun = 0
  const sendAll = async (): Promise<void> => {
    while (begun < meter.total) {
      const from = begun
      begun += perRequest
      const Entries = Array.from({ length: Math.min(perRequest, meter.total - from) }, (_, index) => ({
        Id: String(index),
        MessageBody: all[(from + index) % all.length] as string,
        MessageAttributes: attributesOf(from + index),
      }))
      const { Successful = [], Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: job.queueUrl, Entries }))
      if (Failed.length > 0) throw new Error(Failed[0]?.Message)
      for (const _ of Successful) meter.tick()
    }
  }
  await Promise.all(Array.from({ length: requests }, sendAll))
}

async function consume(job: SqsJob, meter: Meter, handle: () => Promise<void>): Promise<void> {
  const ending = new AbortController()
  const deletes = new Deletes(client(job), job.queueUrl)
  const receiving = client(job)
  // With a signal the SDK puts the steps of a command together anew: the polls end with their sockets then.
  const end = job.cacheMiddleware ? undefined : { abortSignal: ending.signal }
  let inFlight = 0
  let room: PromiseWithResolvers<void> | undefined
  const onMessage = async ({ ReceiptHandle }: Message): Promise<void> => {
    await handle()
    await deletes.add(ReceiptHandle as string)
    inFlight--
    room?.resolve()
    room = undefined
  }
  const poll = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      if (inFlight + perRequest > mostInFlight) {
        room ??= Promise.withResolvers()
        await room.promise
        continue
      }
      inFlight += perRequest
      const { Messages = [] } = await (end === undefined ? receiving.send(receive(job)) : receiving.send(receive(job), end))
      inFlight -= perRequest - Messages.length
      for (const message of Messages) void onMessage(message)
    }
  }
  const polls = Array.from({ length: pollers }, poll)
  await Promise.race([meter.done, ...polls])
  ending.abort()
  if (job.cacheMiddleware) receiving.destroy()
  room?.resolve()
  await Promise.allSettled(polls)
  await deletes.done()
}

/** All that a consumer needs that tries again and tells copies apart. */
function receive({ queueUrl }: SqsJob): ReceiveMessageCommand {
  return new ReceiveMessageCommand({
    QueueUrl: queueUrl,
    MaxNumberOfMessages: perRequest,
    WaitTimeSeconds: 20,
    VisibilityTimeout: 30,
    MessageAttributeNames: ['All'],
    MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
  })
}

/** Gathers deletes into requests of ten. */
class Deletes {
  readonly #sqs: SQSClient
  readonly #queueUrl: string
  #entries: DeleteMessageBatchRequestEntry[] = []
  #next = Promise.withResolvers<void>()
  #timer: NodeJS.Timeout | undefined
  readonly #out: Set<Promise<void>> = new Set()

  constructor(sqs: SQSClient, queueUrl: string) {
    this.#sqs = sqs
    this.#queueUrl = queueUrl
  }

  /** Resolves when the message is deleted. */
  add(ReceiptHandle: string): Promise<void> {
    this.#entries.push({ Id: String(this.#entries.length), ReceiptHandle })
    const { promise } = this.#next
    if (this.#entries.length === perRequest) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), lingerMs)
    return promise
  }

  async done(): Promise<void> {
    if (this.#entries.length > 0) this.#flush()
    await Promise.all(this.#out)
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const [Entries, { resolve, reject }] = [this.#entries, this.#next]
    this.#entries = []
    this.#next = Promise.withResolvers()
    const request = this.#delete(Entries)
      .then(resolve, reject)
      .finally(() => this.#out.delete(request))
    this.#out.add(request)
  }

  async #delete(Entries: DeleteMessageBatchRequestEntry[]): Promise<void> {
    const { Failed = [] } = await this.#sqs.send(new DeleteMessageBatchCommand({ QueueUrl: this.#queueUrl, Entries }))
    if (Failed.length > 0) throw new Error(Failed[0]?.Message)
  }
}
