import { randomUUID } from 'node:crypto'
import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type DeleteMessageBatchRequestEntry,
  type Message,
  type SendMessageBatchRequestEntry,
  type SQSClient,
} from '@aws-sdk/client-sqs'
import { attributesOf, client, perRequest, pollers, requests, sqsBodies, type SqsSubject, type SqsWork } from './sqs-subject.ts'
import { variantsOf, type Handle, type Receiver, type Sender } from './subject.ts'

/**
 * The SDK used well: requests of ten, several out at once; receives that don't wait for handlers as long as there is room for what they bring; deletes gathered into
 * tens, also those of messages that came by different receives.
 */
export const rawSqs: SqsSubject = { sender, receive }

/** A delete waits so long for nine others. */
const lingerMs = 20

async function sender(work: SqsWork): Promise<Sender> {
  const sqs = client(work)
  const { queueUrl: QueueUrl, hotKey } = work
  const all = sqsBodies(variantsOf(work))
  const messageAt = (index: number): Omit<SendMessageBatchRequestEntry, 'Id'> => ({
    MessageBody: all[index % all.length],
    MessageAttributes: attributesOf(index),
    // What a FIFO queue asks for.
    ...(hotKey === undefined ? {} : { MessageGroupId: 'hot', MessageDeduplicationId: randomUUID() }),
  })
  const sendTen = async (from: number, count: number): Promise<void> => {
    const Entries = Array.from({ length: count }, (_, index) => ({ Id: String(index), ...messageAt(from + index) }))
    const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }))
    if (Failed.length > 0) throw new Error(Failed[0]?.Message)
  }
  return {
    send: (index) => sqs.send(new SendMessageCommand({ QueueUrl, ...messageAt(index) })),
    // Of a key in order, one message is out; pipelined, one request: of several the later ones could overtake.
    ...(hotKey === 'strict' ? {} : { batches: { size: perRequest, atOnce: hotKey === undefined ? requests : 1, send: sendTen } }),
    close: async () => sqs.destroy(),
  }
}

async function receive(work: SqsWork, handle: Handle): Promise<Receiver> {
  const polling = new Polling(work, handle)
  return { failed: polling.run(), close: () => polling.end() }
}

/** Polls that share a window, and deletes what has been handled. */
class Polling {
  readonly #work: SqsWork
  readonly #handle: Handle
  readonly #receiving: SQSClient
  readonly #deletes: Deletes
  readonly #ending = new AbortController()
  readonly #handling: Set<Promise<void>> = new Set()
  #inFlight = 0
  #room: PromiseWithResolvers<void> | undefined
  #polls: Promise<never>[] = []

  constructor(work: SqsWork, handle: Handle) {
    this.#work = work
    this.#handle = handle
    this.#receiving = client(work)
    this.#deletes = new Deletes(client(work), work.queueUrl)
  }

  /** Rejects at the first failure, and when it has been ended. */
  run(): Promise<never> {
    this.#polls = Array.from({ length: pollers }, () => this.#poll())
    return Promise.race(this.#polls)
  }

  async end(): Promise<void> {
    this.#ending.abort()
    if (this.#work.cacheMiddleware) this.#receiving.destroy()
    this.#makeRoom()
    await Promise.allSettled(this.#polls)
    await Promise.all(this.#handling)
    await this.#deletes.done()
  }

  async #poll(): Promise<never> {
    const { signal } = this.#ending
    // With a signal the SDK puts the steps of a command together anew: the polls end with their sockets then.
    const options = this.#work.cacheMiddleware ? {} : { abortSignal: signal }
    const most = this.#work.concurrency
    while (!signal.aborted) {
      if (this.#inFlight + perRequest > most) {
        this.#room ??= Promise.withResolvers()
        await this.#room.promise
        continue
      }
      this.#inFlight += perRequest
      const { Messages = [] } = await this.#receiving.send(receiveCommand(this.#work), options)
      this.#inFlight -= perRequest - Messages.length
      for (const message of Messages) this.#take(message)
    }
    throw new Error('the polls have ended')
  }

  #take({ Body = '', ReceiptHandle = '' }: Message): void {
    const handling = (async () => {
      const handled = this.#handle(Body)
      if (handled !== undefined) await handled
      await this.#deletes.add(ReceiptHandle)
      this.#inFlight--
      this.#makeRoom()
    })()
    this.#handling.add(handling)
    void handling.finally(() => this.#handling.delete(handling))
  }

  #makeRoom(): void {
    this.#room?.resolve()
    this.#room = undefined
  }
}

/** All that a consumer needs that tries again and tells copies apart. */
function receiveCommand({ queueUrl }: SqsWork): ReceiveMessageCommand {
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
