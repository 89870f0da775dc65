import { systemClock } from '@busbar/core'
import { assertKnownKeys, type Clock } from '@busbar/core/driver'
import { Account } from './account.ts'
import { Calls } from './calls.ts'
import { WireFaults } from './faults.ts'
import { WireServer, type WireRequest, type WireResponse } from './http/server.ts'
import { serviceLimits, type WireLimits } from './limits.ts'
import { SnsService } from './sns/service.ts'
import { SqsService, sqsTarget } from './sqs/service.ts'
import { WireClock } from './wire-clock.ts'

/** `sqs-standard` and `sqs-fifo` have queues of that kind only, and no topics; `sns` has topics and all queues. */
export type WireProfile = 'sqs-standard' | 'sqs-fifo' | 'sns'

export interface AwsWireOptions {
  /** Which part of the service answers; default: all of it, as `sns`. */
  readonly profile?: WireProfile
  /** Default: real time. With a virtual one that advances by itself, clients use {@link AwsWire.clock}. */
  readonly clock?: Clock
  /** Default 0: a free one. */
  readonly port?: number
  /** Decides ids and disorder. A 32-bit whole number; default 1. */
  readonly seed?: number
  /** Standard queues: the next message is chosen from so many at the front. Default 1, the order sent; the service promises none. */
  readonly disorder?: number
  /** Limits of the service that a test wants to reach. Default: those of the service. */
  readonly limits?: Partial<WireLimits>
}

/** The profiles of the memory broker, served on 127.0.0.1 by the protocols of the service. */
export interface AwsWire extends AsyncDisposable {
  /** For the `endpoint` of a client, such as `http://127.0.0.1:4100`. */
  readonly endpoint: string
  readonly region: string
  /** The only ones that are known. */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** The clock that was given, for clients: it stands still while requests that they mark by `external` are under way, but not while those only wait for messages. */
  readonly clock: Clock
  readonly faults: WireFaults
  readonly calls: Calls
}

const region = 'eu-central-1'
const kinds = { 'sqs-standard': 'standard', 'sqs-fifo': 'fifo', sns: 'both' } as const

/** Starts an endpoint of its own. Throws `TypeError` for unknown options. */
export async function startAwsWire(options: AwsWireOptions = {}): Promise<AwsWire> {
  assertKnownKeys('startAwsWire', options, ['profile', 'clock', 'port', 'seed', 'disorder', 'limits'])
  assertKnownKeys('startAwsWire: limits', options.limits ?? {}, Object.keys(serviceLimits))
  const { profile = 'sns', clock: base = systemClock, port = 0, seed = 1, disorder = 1 } = options
  if (!Object.hasOwn(kinds, profile)) throw new TypeError(`startAwsWire: there is no profile '${profile}'`)
  const clock = new WireClock(base)
  const account = new Account(clock, seed, disorder, { ...serviceLimits, ...options.limits })
  // Not frozen: the SDK writes into what it is given.
  const credentials = { accessKeyId: 'AKIAWIRE', secretAccessKey: 'wire-secret' }
  const calls = new Calls()
  const answer = (request: WireRequest): Promise<WireResponse> => {
    if (isForSqs(request)) return sqs.answer(request)
    return sns !== undefined && isForSns(request) ? sns.answer(request) : Promise.resolve(unknownService)
  }
  const server = new WireServer(answer)
  const faults = new WireFaults(clock, server)
  const sqs = new SqsService(account, kinds[profile], faults, calls, credentials.accessKeyId)
  const sns = profile === 'sns' ? new SnsService(account, sqs.queues, faults, calls, credentials.accessKeyId) : undefined
  account.endpoint = await server.listen(port)
  return {
    endpoint: account.endpoint,
    region,
    credentials,
    clock,
    faults,
    calls,
    [Symbol.asyncDispose]: async () => {
      // Clients that still wait see their connection go, not their queue.
      await server.close()
      sqs.end()
      clock.end()
    },
  }
}

const unknownService: WireResponse = { status: 404, headers: { 'content-type': 'text/plain' }, body: 'No service answers such requests here' }

function isForSqs({ headers }: WireRequest): boolean {
  return String(headers['x-amz-target']).startsWith(sqsTarget)
}

function isForSns({ headers }: WireRequest): boolean {
  return String(headers['content-type']).startsWith('application/x-www-form-urlencoded')
}
