import { isInput } from '../input.ts'
import type { Queues } from '../sqs/queues.ts'
import type { WireQueue } from '../sqs/wire-queue.ts'
import { invalidParameter } from './errors.ts'
import { checkScope, compilePolicy, type FilterTest } from './filter-policy.ts'
import type { Notification } from './message.ts'

const settable: ReadonlySet<string> = new Set(['RawMessageDelivery', 'FilterPolicy', 'FilterPolicyScope', 'RedrivePolicy', 'DeliveryPolicy'])

/** A queue that gets copies of what a topic is sent. */
export class Subscription {
  readonly arn: string
  readonly topicArn: string
  /** The queue that there was: another of its name is not subscribed. */
  readonly queue: WireQueue
  readonly #queues: Queues
  #attributes: ReadonlyMap<string, string> = new Map()
  #filter: FilterTest | undefined
  #deadLetterArn: string | undefined

  /** Throws `InvalidParameter` for bad attributes. */
  constructor(queues: Queues, topicArn: string, id: string, queue: WireQueue, attributes: ReadonlyMap<string, string>) {
    this.#queues = queues
    this.topicArn = topicArn
    this.arn = `${topicArn}:${id}`
    this.queue = queue
    this.#apply(attributes, 'Attributes Reason: ')
  }

  get raw(): boolean {
    return this.#attributes.get('RawMessageDelivery') === 'true'
  }

  /** Where what cannot be delivered goes; `undefined` if there is no such place. */
  get deadLetterQueue(): WireQueue | undefined {
    return this.#deadLetterArn === undefined ? undefined : this.#queues.byArn(this.#deadLetterArn)
  }

  get attributes(): ReadonlyMap<string, string> {
    return this.#attributes
  }

  change(name: string, value: string): void {
    this.#apply(new Map([...this.#attributes, [name, value]]), '')
  }

  /** Is it subscribed with just these attributes? */
  isLike(attributes: ReadonlyMap<string, string>): boolean {
    return [...attributes].every(([name, value]) => (this.#attributes.get(name) ?? '') === value)
  }

  wants({ body, attributes }: Notification): boolean {
    return this.#filter === undefined || this.#filter(body, attributes)
  }

  #apply(given: ReadonlyMap<string, string>, prefix: string): void {
    const attributes = new Map([...given].filter(([, value]) => value !== ''))
    for (const name of given.keys()) if (!settable.has(name)) throw invalidParameter('AttributeName')
    const raw = attributes.get('RawMessageDelivery')
    if (raw !== undefined && raw !== 'true' && raw !== 'false')
      throw invalidParameter(`${prefix}RawMessageDelivery: Invalid value [${raw}]. Must be true or false.`)
    const policy = attributes.get('FilterPolicy')
    const scope = attributes.get('FilterPolicyScope') ?? 'MessageAttributes'
    checkScope(scope)
    const filter = policy === undefined || policy === '{}' ? undefined : compilePolicy(policy, scope, prefix)
    const deadLetterArn = this.#readRedrivePolicy(attributes.get('RedrivePolicy'), prefix)
    if (policy !== undefined) attributes.set('FilterPolicyScope', scope)
    this.#attributes = attributes
    this.#filter = filter
    this.#deadLetterArn = deadLetterArn
  }

  #readRedrivePolicy(policy: string | undefined, prefix: string): string | undefined {
    if (policy === undefined) return undefined
    const arn = targetOf(policy)
    if (arn === undefined) throw invalidParameter(`${prefix}RedrivePolicy: deadLetterTargetArn is an invalid arn`)
    const queue = this.#queues.byArn(arn)
    if (queue === undefined) throw invalidParameter(`${prefix}RedrivePolicy: the dead-letter queue does not exist`)
    if (queue.fifo !== this.topicArn.endsWith('.fifo'))
      throw invalidParameter(`${prefix}RedrivePolicy: must use a queue of the topic's type as dead-letter queue`)
    return arn
  }
}

function targetOf(policy: string): string | undefined {
  try {
    const document: unknown = JSON.parse(policy)
    const arn = isInput(document) ? document['deadLetterTargetArn'] : undefined
    return typeof arn === 'string' && arn.startsWith('arn:') ? arn : undefined
  } catch {
    return undefined
  }
}
