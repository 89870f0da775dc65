import { isBrokerError, type Change, type Clock, type Endpoint, type Topology } from '@busbar/core/driver'
import type { Api } from './api.ts'
import { addressOf, type QueueName } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import { mergedPolicy } from './policy.ts'
import { redrivePolicyOf, redrivePolicyText, type QueueAttributes } from './queue-attributes.ts'
import type { Queues } from './queues.ts'
import { wantedQueues, type WantedQueue } from './wanted-queues.ts'

/** What one queue lacks. */
interface Difference {
  readonly changes: readonly Change[]
  /** Attributes to set; all others stay as they are. */
  readonly attributes: Readonly<Record<string, string>>
}

/** Queues, their dead-letter queues and attributes. Looks with `GetQueueUrl` and `GetQueueAttributes` alone; lists nothing. */
export class SqsTopology implements Topology {
  readonly #options: ResolvedOptions
  readonly #api: Api
  readonly #queues: Queues
  readonly #clock: Clock

  constructor(options: ResolvedOptions, api: Api, queues: Queues, clock: Clock) {
    this.#options = options
    this.#api = api
    this.#queues = queues
    this.#clock = clock
  }

  async plan(endpoints: readonly Endpoint[], signal: AbortSignal): Promise<readonly Change[]> {
    const changes: Change[] = []
    for (const wanted of wantedQueues(endpoints, this.#options)) {
      const current = await this.#find(wanted.queue, signal)
      changes.push(...(current === undefined ? [creation(wanted.queue)] : (await this.#compare(wanted, current, signal)).changes))
    }
    return changes
  }

  async apply(endpoints: readonly Endpoint[], _changes: readonly Change[], signal: AbortSignal): Promise<void> {
    for (const wanted of wantedQueues(endpoints, this.#options)) {
      let current = await this.#find(wanted.queue, signal)
      if (current === undefined) {
        await this.#create(wanted, signal)
        current = await this.#attributes(wanted.queue, signal)
      }
      const { attributes } = await this.#compare(wanted, current, signal)
      if (Object.keys(attributes).length === 0) continue
      await this.#api.setAttributes(await this.#queues.url(wanted.queue), attributes, { doing: `Changing ${addressOf(wanted.queue)}`, signal })
    }
  }

  async #create({ queue, attributes, defaults }: WantedQueue, signal: AbortSignal): Promise<void> {
    const Attributes = { ...(queue.fifo && { FifoQueue: 'true' }), ...defaults, ...attributes }
    await this.#api.createQueue({ QueueName: queue.name, Attributes }, { doing: `Creating ${addressOf(queue)}`, signal })
    await this.#queues.createdUrl(queue, this.#clock, signal)
  }

  async #compare(wanted: WantedQueue, current: QueueAttributes, signal: AbortSignal): Promise<Difference> {
    const { queue } = wanted
    const attributes: Record<string, string> = {}
    const changes: Change[] = []
    for (const [name, value] of Object.entries(wanted.attributes)) {
      if (current[name] === value) continue
      attributes[name] = value
      changes.push(update(queue, `Set ${name} of ${addressOf(queue)} to ${value}; it is ${current[name] ?? 'not set'}.`))
    }
    const policy = mergedPolicy(current['Policy'], wanted.policy, current['QueueArn'] ?? queue.name)
    if (policy !== undefined) {
      attributes['Policy'] = policy
      changes.push(update(queue, `Put the statements ${wanted.policy.map(({ Sid }) => Sid).join(', ')} into the access policy of ${addressOf(queue)}.`))
    }
    const redrive = await this.#compareRedrive(wanted, current, signal)
    return { changes: [...changes, ...redrive.changes], attributes: { ...attributes, ...redrive.attributes } }
  }

  /** A redrive policy that somebody has made is never changed. */
  async #compareRedrive({ queue, deadLetters }: WantedQueue, current: QueueAttributes, signal: AbortSignal): Promise<Difference> {
    if (deadLetters === undefined) return { changes: [], attributes: {} }
    const existing = redrivePolicyOf(current)
    if (existing !== undefined) {
      if (existing.maxReceiveCount >= deadLetters.least) return { changes: [], attributes: {} }
      const text = `${addressOf(queue)} moves messages after ${existing.maxReceiveCount} receives, which the attempts of the retry policy can exceed: raise its maxReceiveCount to at least ${deadLetters.least}.`
      return { changes: [{ resource: addressOf(queue), kind: 'conflict', text }], attributes: {} }
    }
    const { QueueArn } = (await this.#find(deadLetters.queue, signal)) ?? {}
    const to = addressOf(deadLetters.queue)
    const changes = [update(queue, `Let ${addressOf(queue)} move messages to ${to} after ${deadLetters.maxReceiveCount} receives.`)]
    return { changes, attributes: QueueArn === undefined ? {} : { RedrivePolicy: redrivePolicyText(QueueArn, deadLetters.maxReceiveCount) } }
  }

  async #find(queue: QueueName, signal: AbortSignal): Promise<QueueAttributes | undefined> {
    try {
      await this.#queues.freshUrl(queue)
      return await this.#attributes(queue, signal)
    } catch (error) {
      if (isBrokerError(error) && error.code === 'ERR_NOT_FOUND') return undefined
      throw error
    }
  }

  async #attributes(queue: QueueName, signal: AbortSignal): Promise<QueueAttributes> {
    const attributes = await this.#api.attributes(await this.#queues.url(queue), { doing: `Looking at ${addressOf(queue)}`, signal })
    this.#queues.learn(attributes['QueueArn'], queue)
    return attributes
  }
}

function creation(queue: QueueName): Change {
  return {
    resource: addressOf(queue),
    kind: 'create',
    text: `Create the ${queue.fifo ? 'FIFO' : 'standard'} queue ${queue.name}.`,
    permission: 'sqs:CreateQueue',
  }
}

function update(queue: QueueName, text: string): Change {
  return { resource: addressOf(queue), kind: 'update', text, permission: 'sqs:SetQueueAttributes' }
}
