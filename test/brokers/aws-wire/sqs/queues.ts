import { arnOf, accountId, type Account } from '../account.ts'
import { invalid } from '../input.ts'
import { queueDoesNotExist, serviceError } from '../service-errors.ts'
import { defaultAttributes, unknownAttribute, withAttributes } from './queue-attributes.ts'
import { checkRedrivePolicy, redrivePolicyOf } from './redrive-policy.ts'
import { WireQueue } from './wire-queue.ts'

/** Which queues can be made. */
export type QueueKinds = 'standard' | 'fifo' | 'both'

/** All queues of the account, in all regions. */
export class Queues {
  readonly account: Account
  readonly #kinds: QueueKinds
  readonly #byArn = new Map<string, WireQueue>()
  /** By ARN, on the monotonic clock. */
  readonly #deletedAt = new Map<string, number>()
  #made = 0

  constructor(account: Account, kinds: QueueKinds) {
    this.account = account
    this.#kinds = kinds
  }

  /** Throws `QueueDoesNotExist`. */
  named(region: string, name: string): WireQueue {
    const queue = this.#byArn.get(arnOf('sqs', region, name))
    if (queue === undefined) throw queueDoesNotExist()
    return queue
  }

  /** The queue of a URL, whose host does not matter. Throws `QueueDoesNotExist`, `InvalidAddress` for a text that is no such URL. */
  at(region: string, url: string): WireQueue {
    const [account, name, ...rest] = URL.canParse(url) ? new URL(url).pathname.split('/').slice(1) : []
    if (account === undefined || name === undefined || rest.length > 0)
      throw serviceError('InvalidAddress', `The address ${url.slice(0, 300)} is not valid for this endpoint.`)
    if (account !== accountId) throw queueDoesNotExist()
    return this.named(region, name)
  }

  byArn(arn: string): WireQueue | undefined {
    return this.#byArn.get(arn)
  }

  /** By name. */
  all(region: string): WireQueue[] {
    return [...this.#byArn.values()].filter((queue) => queue.region === region).sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Those that move what is delivered too often to `target`. */
  sourcesOf(target: WireQueue): WireQueue[] {
    return this.all(target.region).filter((queue) => redrivePolicyOf(queue.attributes)?.targetArn === target.arn)
  }

  /** The queue that is there already, if it is the same. */
  create(region: string, name: string, given: ReadonlyMap<string, string>, tags: Map<string, string>): WireQueue {
    const fifo = given.get('FifoQueue') === 'true'
    if (given.has('FifoQueue') && !fifo) throw unknownAttribute('FifoQueue')
    checkName(name, fifo)
    if ((fifo && this.#kinds === 'standard') || (!fifo && this.#kinds === 'fifo'))
      throw serviceError('UnsupportedOperation', `This endpoint has ${this.#kinds} queues only.`)
    const attributes = withAttributes(defaultAttributes(fifo), given, fifo)
    const arn = arnOf('sqs', region, name)
    this.#checkRedrive(attributes, arn, fifo)
    const existing = this.#byArn.get(arn)
    if (existing !== undefined) return same(existing, given)
    const deletedAt = this.#deletedAt.get(arn) ?? -Infinity
    if (this.account.clock.monotonic() < deletedAt + this.account.limits.deletedForMs)
      throw serviceError('QueueDeletedRecently', 'You must wait 60 seconds after deleting a queue before you can create another with the same name.')
    const queue = new WireQueue(this.account, region, name, ++this.#made, attributes, tags)
    this.#byArn.set(arn, queue)
    this.#linkDeadLetters()
    return queue
  }

  change(queue: WireQueue, given: ReadonlyMap<string, string>): void {
    if (given.has('FifoQueue')) throw unknownAttribute('FifoQueue')
    const attributes = withAttributes(queue.attributes, given, queue.fifo)
    if (given.has('RedrivePolicy')) this.#checkRedrive(attributes, queue.arn, queue.fifo)
    queue.change(attributes)
    this.#linkDeadLetters()
  }

  delete(queue: WireQueue): void {
    this.#byArn.delete(queue.arn)
    this.#deletedAt.set(queue.arn, this.account.clock.monotonic())
    queue.end()
    this.#linkDeadLetters()
  }

  /** All queues end. */
  end(): void {
    for (const queue of this.#byArn.values()) queue.end()
  }

  #checkRedrive(attributes: ReadonlyMap<string, string>, arn: string, fifo: boolean): void {
    const policy = redrivePolicyOf(attributes)
    checkRedrivePolicy(attributes, arn, fifo, policy && this.#byArn.get(policy.targetArn))
  }

  /** Policies name queues, which come and go. Without its target a policy moves nothing. */
  #linkDeadLetters(): void {
    for (const queue of this.#byArn.values()) {
      const policy = redrivePolicyOf(queue.attributes)
      const target = policy && this.#byArn.get(policy.targetArn)
      queue.queue.deadLetter = policy && target && { queue: target.queue, limit: policy.maxReceiveCount, from: queue.arn }
    }
  }
}

function same(existing: WireQueue, given: ReadonlyMap<string, string>): WireQueue {
  for (const [name, value] of given)
    if ((existing.attributes.get(name) ?? '') !== value)
      throw serviceError('QueueNameExists', `A queue already exists with the same name and a different value for attribute ${name}`)
  return existing
}

function checkName(name: string, fifo: boolean): void {
  const legal = fifo ? /^[A-Za-z0-9_-]{1,75}\.fifo$/ : /^[A-Za-z0-9_-]{1,80}$/
  if (legal.test(name)) return
  const rule = 'can only include alphanumeric characters, hyphens, or underscores'
  throw invalid(
    'QueueName',
    name,
    fifo ? `The name of a FIFO queue ${rule}, must end with .fifo suffix and be 1 to 80 in length.` : `It ${rule}. 1 to 80 in length.`,
  )
}
