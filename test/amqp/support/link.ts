import { amqp, type AmqpNative, type AmqpOptions } from '@busbar/amqp'
import {
  isBrokerError,
  type BrokerError,
  type Clock,
  type Driver,
  type Endpoint,
  type Link,
  type Outgoing,
  type Receiver,
  type Sender,
  type SendResult,
  type Services,
  type Timer,
  type Window,
} from '@busbar/core/driver'
import { FakeIntake } from './intake.ts'

/** Real time: these tests are about a real broker's. */
const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  timer(atMs, wake): Timer {
    const timeout = setTimeout(wake, Math.max(0, atMs - performance.now()))
    return { cancel: () => clearTimeout(timeout) }
  },
  external: (operation) => operation,
}

export const events: string[] = []

export const services: Services = {
  clock,
  random: Math.random,
  log: (level, event, data) => void events.push(`${level} ${event} ${JSON.stringify(data)}`),
  meter: () => undefined,
}

export const never: AbortSignal = new AbortController().signal

export function endpointOf(name: string, more: Partial<Endpoint> = {}): Endpoint {
  return { destination: name, kind: 'queue', name, keyed: false, maxAttempts: 3, deadLetterName: `${name}.dead`, options: {}, ...more }
}

let ids = 0

export function messageOf(body: string | Uint8Array, more: Partial<Outgoing> = {}): Outgoing {
  return {
    id: `m-${ids++}`,
    body,
    bodyBytes: Buffer.byteLength(body),
    headers: Object.create(null) as Record<string, string>,
    type: undefined,
    contentType: undefined,
    timestamp: Date.now(),
    key: undefined,
    attempt: 0,
    deduplicationId: undefined,
    delayMs: undefined,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    ...more,
  }
}

export interface Started {
  readonly intake: FakeIntake
  readonly receiver: Receiver
}

/** A link with what was opened on it; closed in the right order. */
export class TestLink<Native = AmqpNative> implements AsyncDisposable {
  readonly link: Link<Native>
  readonly #senders: Sender[] = []
  readonly #receivers: Receiver[] = []

  static open(url: string | readonly string[], options: Partial<AmqpOptions> = {}, given: Services = services): Promise<TestLink> {
    return TestLink.over(amqp({ url, ...options }), given)
  }

  static async over<Native>(driver: Driver<Native>, given: Services = services): Promise<TestLink<Native>> {
    return new TestLink(await driver.connect(given, never))
  }

  private constructor(link: Link<Native>) {
    this.link = link
  }

  async provision(...endpoints: readonly Endpoint[]): Promise<void> {
    const { topology } = this.link
    if (topology === undefined) throw new TypeError('no topology')
    await topology.apply(endpoints, await topology.plan(endpoints, never), never)
  }

  sender(endpoint: Endpoint): Sender {
    const sender = this.link.sender(endpoint)
    this.#senders.push(sender)
    return sender
  }

  /** Sends in calls of 100 and throws the first failure. */
  async send(endpoint: Endpoint, messages: readonly Outgoing[]): Promise<void> {
    const sender = this.sender(endpoint)
    for (let from = 0; from < messages.length; from += 100)
      for (const result of await sender.send(messages.slice(from, from + 100), never)) throwFailure(result)
  }

  async receive(endpoint: Endpoint, intake: FakeIntake = new FakeIntake(), window: Window = { messages: 32, bytes: 2 ** 26 }): Promise<Started> {
    if (this.link.receiver === false) throw new TypeError('no receiver')
    const receiver = this.link.receiver(endpoint, intake, window)
    intake.receiver = receiver
    this.#receivers.push(receiver)
    await receiver.start()
    return { intake, receiver }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const receiver of this.#receivers) {
      await receiver.pause()
      await receiver.handBack()
    }
    for (const sender of this.#senders) await sender.close()
    await this.link.close()
  }
}

function throwFailure(result: SendResult): void {
  if (!result.ok) throw result.error
}

/** Sends until it is confirmed, as core does: repeats what failed with a retryable error. */
export async function sendSurely(sender: Sender, messages: readonly Outgoing[]): Promise<void> {
  let open = messages
  while (open.length > 0) {
    const results = await sender.send(open, never)
    const failed: Outgoing[] = []
    for (const [index, result] of results.entries()) {
      if (result.ok) continue
      if (!result.error.retryable) throw result.error
      failed.push(open[index] as Outgoing)
    }
    open = failed
    if (open.length > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export async function errorOf(promise: Promise<unknown>): Promise<BrokerError> {
  try {
    await promise
  } catch (error) {
    if (isBrokerError(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}
