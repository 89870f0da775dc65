import {
  CancelMessageMoveTaskCommand,
  ChangeMessageVisibilityBatchCommand,
  CreateQueueCommand,
  DeleteQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  ListMessageMoveTasksCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
  StartMessageMoveTaskCommand,
  type ChangeMessageVisibilityBatchCommandInput,
  type ChangeMessageVisibilityBatchCommandOutput,
  type CreateQueueCommandInput,
  type DeleteMessageBatchCommandInput,
  type DeleteMessageBatchCommandOutput,
  type SendMessageBatchCommandInput,
  type SendMessageBatchCommandOutput,
  type StartMessageMoveTaskCommandInput,
} from '@aws-sdk/client-sqs'
import type { LinkHealth, Services } from '@busbar/core/driver'
import { Calls, type CallContext } from './calls.ts'
import type { Clients } from './clients.ts'
import { errors, sqsError } from './errors.ts'
import { checkSent, hasMd5 } from './md5.ts'
import type { ResolvedOptions } from './options.ts'
import { OwnPollLine, SharedPollLine, type PollLine } from './poll-line.ts'
import type { ShortPath } from './short-path.ts'

/** What SQS says of a message move task. */
export interface MoveTask {
  /** While it runs. */
  readonly handle: string | undefined
  readonly status: string | undefined
  /** About so many. */
  readonly moved: number
  /** Milliseconds since the epoch. */
  readonly startedAt: number | undefined
  readonly failure: string | undefined
}

/** The calls to SQS. */
export class Api {
  readonly #clients: Clients
  readonly #options: ResolvedOptions
  readonly #services: Services
  readonly #calls: Calls
  /** Of a client that is ours, which ends a request by itself when no answer comes. */
  readonly #shortPath: ShortPath | undefined

  constructor(clients: Clients, services: Services, options: ResolvedOptions) {
    this.#clients = clients
    this.#options = options
    this.#services = services
    this.#calls = new Calls(services, options.timeoutMs, errors)
    if (clients.polling === undefined) this.#shortPath = this.#calls.shortPath(clients.main, { allowPlaintext: options.allowPlaintext, allowed: hasMd5() })
  }

  /** What the latest call found. */
  get health(): LinkHealth {
    return this.#calls.health
  }

  sendMessages(input: SendMessageBatchCommandInput, doing: string): Promise<SendMessageBatchCommandOutput> {
    const { main } = this.#clients
    const command = new SendMessageBatchCommand(input)
    const path = this.#shortPath
    const check = (answer: SendMessageBatchCommandOutput): void => checkSent(input, answer)
    if (path !== undefined) return this.#calls.quickCall('SendMessageBatch', { doing }, input, () => path.send(command, check))
    return this.#calls.call('SendMessageBatch', { doing }, (abortSignal) => main.send(command, { abortSignal }))
  }

  deleteMessages(input: DeleteMessageBatchCommandInput, doing: string): Promise<DeleteMessageBatchCommandOutput> {
    const { main } = this.#clients
    const command = new DeleteMessageBatchCommand(input)
    const path = this.#shortPath
    if (path !== undefined) return this.#calls.quickCall('DeleteMessageBatch', { doing }, input, () => path.send(command))
    return this.#calls.call('DeleteMessageBatch', { doing }, (abortSignal) => main.send(command, { abortSignal }))
  }

  changeVisibilities(input: ChangeMessageVisibilityBatchCommandInput, doing: string): Promise<ChangeMessageVisibilityBatchCommandOutput> {
    const { main } = this.#clients
    const command = new ChangeMessageVisibilityBatchCommand(input)
    return this.#calls.call('ChangeMessageVisibilityBatch', { doing }, (abortSignal) => main.send(command, { abortSignal }))
  }

  /** For the long polls of one receiver. */
  pollLine(): PollLine {
    const { main, polling } = this.#clients
    return polling === undefined ? new OwnPollLine(main, this.#options, this.#calls, this.#services.clock) : new SharedPollLine(polling, this.#calls)
  }

  async queueUrl(name: string, account: string | undefined, context: CallContext): Promise<string> {
    const command = new GetQueueUrlCommand({ QueueName: name, ...(account !== undefined && { QueueOwnerAWSAccountId: account }) })
    const { QueueUrl } = await this.#calls.call('GetQueueUrl', context, (abortSignal) => this.#clients.main.send(command, { abortSignal }))
    if (QueueUrl === undefined) throw sqsError('ERR_NOT_FOUND', `${context.doing}: the answer holds no URL`)
    return QueueUrl
  }

  async attributes(url: string, context: CallContext): Promise<Readonly<Record<string, string>>> {
    const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] })
    const answer = await this.#calls.call('GetQueueAttributes', context, (abortSignal) => this.#clients.main.send(command, { abortSignal }))
    return answer.Attributes ?? {}
  }

  /** The URL, if the answer holds it. */
  async createQueue(input: CreateQueueCommandInput, context: CallContext): Promise<string | undefined> {
    const answer = await this.#calls.call('CreateQueue', context, (abortSignal) => this.#clients.main.send(new CreateQueueCommand(input), { abortSignal }))
    return answer.QueueUrl
  }

  async deleteQueue(url: string, context: CallContext): Promise<void> {
    const command = new DeleteQueueCommand({ QueueUrl: url })
    await this.#calls.call('DeleteQueue', context, (abortSignal) => this.#clients.main.send(command, { abortSignal }))
  }

  async setAttributes(url: string, attributes: Readonly<Record<string, string>>, context: CallContext): Promise<void> {
    const command = new SetQueueAttributesCommand({ QueueUrl: url, Attributes: attributes })
    await this.#calls.call('SetQueueAttributes', context, (abortSignal) => this.#clients.main.send(command, { abortSignal }))
  }

  /** The handle of the task. */
  async startMove(input: StartMessageMoveTaskCommandInput, context: CallContext): Promise<string> {
    const command = new StartMessageMoveTaskCommand(input)
    const answer = await this.#calls.call('StartMessageMoveTask', context, (abortSignal) => this.#clients.main.send(command, { abortSignal }))
    return answer.TaskHandle ?? ''
  }

  /** The newest first. */
  async moves(sourceArn: string, context: CallContext): Promise<readonly MoveTask[]> {
    const command = new ListMessageMoveTasksCommand({ SourceArn: sourceArn, MaxResults: 10 })
    const answer = await this.#calls.call('ListMessageMoveTasks', context, (abortSignal) => this.#clients.main.send(command, { abortSignal }))
    return (answer.Results ?? []).map(({ TaskHandle, Status, ApproximateNumberOfMessagesMoved, StartedTimestamp, FailureReason }) => ({
      handle: TaskHandle,
      status: Status,
      moved: ApproximateNumberOfMessagesMoved ?? 0,
      startedAt: StartedTimestamp,
      failure: FailureReason,
    }))
  }

  async cancelMove(handle: string, context: CallContext): Promise<void> {
    const command = new CancelMessageMoveTaskCommand({ TaskHandle: handle })
    await this.#calls.call('CancelMessageMoveTask', context, (abortSignal) => this.#clients.main.send(command, { abortSignal }))
  }

  /** A call to another service, by a client of its own. */
  elsewhere<T>(name: string, context: CallContext, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.#calls.call(name, context, run)
  }
}
