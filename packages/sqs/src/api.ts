import {
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
  type ChangeMessageVisibilityBatchCommandInput,
  type ChangeMessageVisibilityBatchCommandOutput,
  type CreateQueueCommandInput,
  type DeleteMessageBatchCommandInput,
  type DeleteMessageBatchCommandOutput,
  type Message,
  type ReceiveMessageCommandInput,
  type SendMessageBatchCommandInput,
  type SendMessageBatchCommandOutput,
} from '@aws-sdk/client-sqs'
import { isBrokerError, type BrokerError, type LinkHealth, type Services } from '@busbar/core/driver'
import type { Clients } from './clients.ts'
import { isRefusal, sqsError, toBrokerError } from './errors.ts'

/** What an error is thrown for: `Sending to orders`. */
export interface CallContext {
  readonly doing: string
  /** Ends the call at once, which then throws the signal's reason. */
  readonly signal?: AbortSignal
}

const connected: LinkHealth = { state: 'connected' }

/** The calls to SQS: counted, bounded in time, their errors mapped to `BrokerError`. None is repeated here. */
export class Api {
  readonly #clients: Clients
  readonly #services: Services
  readonly #timeoutMs: number
  #health: LinkHealth = connected

  constructor(clients: Clients, services: Services, timeoutMs: number) {
    this.#clients = clients
    this.#services = services
    this.#timeoutMs = timeoutMs
  }

  /** What the latest call found. */
  get health(): LinkHealth {
    return this.#health
  }

  sendMessages(input: SendMessageBatchCommandInput, context: CallContext): Promise<SendMessageBatchCommandOutput> {
    return this.#call('SendMessageBatch', context, this.#timeoutMs, (abortSignal) =>
      this.#clients.main.send(new SendMessageBatchCommand(input), { abortSignal }),
    )
  }

  deleteMessages(input: DeleteMessageBatchCommandInput, context: CallContext): Promise<DeleteMessageBatchCommandOutput> {
    return this.#call('DeleteMessageBatch', context, this.#timeoutMs, (abortSignal) =>
      this.#clients.main.send(new DeleteMessageBatchCommand(input), { abortSignal }),
    )
  }

  changeVisibilities(input: ChangeMessageVisibilityBatchCommandInput, context: CallContext): Promise<ChangeMessageVisibilityBatchCommandOutput> {
    return this.#call('ChangeMessageVisibilityBatch', context, this.#timeoutMs, (abortSignal) =>
      this.#clients.main.send(new ChangeMessageVisibilityBatchCommand(input), { abortSignal }),
    )
  }

  async receive(input: ReceiveMessageCommandInput, waitMs: number, context: CallContext): Promise<readonly Message[]> {
    const answer = await this.#call('ReceiveMessage', context, waitMs + this.#timeoutMs, (abortSignal) =>
      this.#clients.polling.send(new ReceiveMessageCommand({ ...input, WaitTimeSeconds: waitMs / 1_000 }), { abortSignal }),
    )
    return answer.Messages ?? []
  }

  async queueUrl(name: string, account: string | undefined, context: CallContext): Promise<string> {
    const command = new GetQueueUrlCommand({ QueueName: name, ...(account !== undefined && { QueueOwnerAWSAccountId: account }) })
    const { QueueUrl } = await this.#call('GetQueueUrl', context, this.#timeoutMs, (abortSignal) => this.#clients.main.send(command, { abortSignal }))
    if (QueueUrl === undefined) throw sqsError('ERR_NOT_FOUND', `${context.doing}: the answer holds no URL`)
    return QueueUrl
  }

  async attributes(url: string, context: CallContext): Promise<Readonly<Record<string, string>>> {
    const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] })
    const answer = await this.#call('GetQueueAttributes', context, this.#timeoutMs, (abortSignal) => this.#clients.main.send(command, { abortSignal }))
    return answer.Attributes ?? {}
  }

  async createQueue(input: CreateQueueCommandInput, context: CallContext): Promise<void> {
    await this.#call('CreateQueue', context, this.#timeoutMs, (abortSignal) => this.#clients.main.send(new CreateQueueCommand(input), { abortSignal }))
  }

  async deleteQueue(url: string, context: CallContext): Promise<void> {
    const command = new DeleteQueueCommand({ QueueUrl: url })
    await this.#call('DeleteQueue', context, this.#timeoutMs, (abortSignal) => this.#clients.main.send(command, { abortSignal }))
  }

  async setAttributes(url: string, attributes: Readonly<Record<string, string>>, context: CallContext): Promise<void> {
    const command = new SetQueueAttributesCommand({ QueueUrl: url, Attributes: attributes })
    await this.#call('SetQueueAttributes', context, this.#timeoutMs, (abortSignal) => this.#clients.main.send(command, { abortSignal }))
  }

  async #call<T>(name: string, { doing, signal }: CallContext, timeoutMs: number, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    const { clock, meter } = this.#services
    const ending = new AbortController()
    // The SDK resolves credentials before it looks at a signal, so its promise alone does not end in time.
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const end = (reason: Error): void => {
      reject(reason)
      ending.abort(reason)
    }
    const onAbort = (): void => end(signal?.reason as Error)
    signal?.addEventListener('abort', onAbort, { once: true })
    const timer = clock.timer(clock.monotonic() + timeoutMs, () => end(sqsError('ERR_UNAVAILABLE', `${doing}: no answer within ${timeoutMs} ms`)))
    meter(name, 1)
    try {
      clock.external(run(ending.signal)).then(resolve, reject)
      const answer = await promise
      this.#health = connected
      return answer
    } catch (error) {
      if (signal?.aborted === true) throw signal.reason
      throw this.#failure(error, doing)
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
    }
  }

  #failure(error: unknown, doing: string): BrokerError {
    const failure = toBrokerError(error, doing)
    this.#health = failure.code === 'ERR_UNAVAILABLE' ? { state: 'reconnecting', error: failure } : connected
    return failure
  }
}

/** Is what a call asked for certainly not done? */
export function isNotDone(error: unknown): boolean {
  return isRefusal(isBrokerError(error) ? error.cause : error)
}
