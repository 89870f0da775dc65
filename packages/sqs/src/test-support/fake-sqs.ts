import type { Message, SQSClient } from '@aws-sdk/client-sqs'
import type { Endpoint, Link, Outgoing, Services } from '@busbar/core/driver'
import type { SqsOptions } from '../options.ts'
import { sqs } from '../sqs-driver.ts'
import { ManualClock } from './manual-clock.ts'

export interface Call {
  readonly name: string
  // The tests read what they sent, whatever its shape.
  readonly input: Readonly<Record<string, never>>
  readonly signal: AbortSignal
  readonly atMs: number
}

type Handler = (input: Readonly<Record<string, never>>, signal: AbortSignal) => unknown

/** A client of the SDK that answers by script. Without one it knows every queue, takes everything, and has no messages until a receive has waited its time. */
export class FakeSqs {
  readonly clock: ManualClock = new ManualClock()
  readonly calls: Call[] = []
  readonly #handlers: Map<string, Handler> = new Map()

  constructor() {
    this.on('GetQueueUrl', ({ QueueName }) => ({ QueueUrl: `https://sqs.eu-central-1.amazonaws.com/123456789012/${String(QueueName)}` }))
    this.on('GetQueueAttributes', ({ QueueUrl }) => ({ Attributes: { QueueArn: arnOf(QueueUrl) } }))
    this.on('ReceiveMessage', (input, signal) => this.after(Number(input['WaitTimeSeconds']) * 1_000, {}, signal))
  }

  /** Answers from now on to calls of this name; a thrown error is the answer too. */
  on(name: string, handler: Handler): void {
    this.#handlers.set(name, handler)
  }

  named(name: string): Call[] {
    return this.calls.filter((call) => call.name === name)
  }

  get client(): SQSClient {
    const send = async (
      command: { readonly input: Readonly<Record<string, never>> },
      { abortSignal }: { readonly abortSignal: AbortSignal },
    ): Promise<unknown> => {
      const name = command.constructor.name.replace(/Command$/, '')
      this.calls.push({ name, input: command.input, signal: abortSignal, atMs: this.clock.monotonic() })
      return (await this.#handlers.get(name)?.(command.input, abortSignal)) ?? {}
    }
    return { send } as unknown as SQSClient
  }

  after(ms: number, answer: unknown, signal: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const timer = this.clock.timer(this.clock.monotonic() + ms, () => resolve(answer))
      signal.addEventListener('abort', () => {
        timer.cancel()
        reject(signal.reason as Error)
      })
    })
  }

  link(options: SqsOptions = {}): Promise<Link<SQSClient>> {
    const services: Services = { clock: this.clock, random: () => 0.5, log: () => undefined, meter: () => undefined }
    return sqs({ client: this.client, ...options }).connect(services, new AbortController().signal)
  }
}

export function endpoint(parts: Partial<Endpoint> = {}): Endpoint {
  return { destination: 'orders', kind: 'queue', name: 'orders', keyed: false, maxAttempts: 0, options: {}, ...parts }
}

export function outgoing(parts: Partial<Outgoing> = {}): Outgoing {
  const body = parts.body ?? 'hello'
  return {
    id: 'm-1',
    body,
    bodyBytes: Buffer.byteLength(body),
    headers: {},
    type: undefined,
    contentType: undefined,
    timestamp: 1_767_225_600_123,
    key: undefined,
    attempt: 0,
    deduplicationId: undefined,
    delayMs: undefined,
    timeToLiveMs: undefined,
    priority: undefined,
    correlationId: undefined,
    replyTo: undefined,
    ...parts,
  }
}

export function messages(...ids: readonly string[]): { readonly Messages: readonly Message[] } {
  return { Messages: ids.map((id) => ({ MessageId: id, ReceiptHandle: `receipt-${id}`, Body: id, Attributes: { ApproximateReceiveCount: '1' } })) }
}

/** As the SDK throws what the service answers. */
export function serviceError(name: string, message: string = 'refused', httpStatusCode: number = 400): Error {
  return Object.assign(new Error(message), { name, $fault: 'client', $metadata: { httpStatusCode } })
}

function arnOf(url: unknown): string {
  return `arn:aws:sqs:eu-central-1:123456789012:${String(url).split('/').at(-1)}`
}
