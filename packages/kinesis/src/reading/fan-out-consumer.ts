import { isBrokerError, sleep, type Services, unlessAborted } from '@busbar/core/driver'
import type { Api, CallContext } from '../api.ts'
import { kinesisError } from '../errors.ts'
import { addressOf, type StreamName } from '../names.ts'

/** Between two looks at a consumer that is being made, in milliseconds. */
const lookMs = 500
const longestWaitMs = 60_000

export interface FanOutConsumerOptions {
  readonly api: Api
  readonly services: Services
  readonly stream: StreamName
  /** Of the consumer: 1 to 128 letters, digits, dots, hyphens and underscores. Unique in the stream. */
  readonly name: string
  /** May it be made if there is none? */
  readonly register: boolean
}

/**
 * The consumer of enhanced fan-out by which all workers of a group read, each of its shards with a throughput of its own. It stays registered when they stop, since
 * others may be reading by it.
 */
export class FanOutConsumer {
  readonly #options: FanOutConsumerOptions
  readonly #context: CallContext
  #finding: Promise<string> | undefined
  #ending = new AbortController()
  /** Those who wait for it to be found. */
  #waiting = 0

  constructor(options: FanOutConsumerOptions) {
    this.#options = options
    this.#context = { doing: `Looking for the consumer ${options.name} of ${addressOf(options.stream)}` }
  }

  /**
   * Its ARN, when it can be read by: looked up once for all shards, registered if it may be, and waited for. Throws `ERR_NOT_FOUND` if it is missing and may not be registered,
   * `ERR_UNAVAILABLE` if it is not ready within a minute, the signal's reason, or what the service answers.
   */
  async arn(signal: AbortSignal): Promise<string> {
    const finding = (this.#finding ??= this.#begin())
    this.#waiting++
    try {
      return await unlessAborted(finding, signal)
    } catch (error) {
      if (this.#finding === finding && !signal.aborted) this.#finding = undefined
      throw error
    } finally {
      if (--this.#waiting === 0 && signal.aborted) this.#leave()
    }
  }

  #begin(): Promise<string> {
    this.#ending = new AbortController()
    return this.#find(this.#ending.signal)
  }

  /** Nobody waits any more: a consumer that is still being made would be looked at for a minute, and keep a process from ending. */
  #leave(): void {
    this.#finding = undefined
    this.#ending.abort()
  }

  /** The service does not know this ARN: is there another one now, since the consumer was made anew? */
  async isReplaced(arn: string, signal: AbortSignal): Promise<boolean> {
    const finding = (this.#finding ??= this.#begin())
    if ((await this.arn(signal)) !== arn) return true
    // Another shard may be looking already: of two searches only the later one could be ended.
    if (this.#finding === finding) this.#finding = undefined
    return (await this.arn(signal)) !== arn
  }

  async #find(signal: AbortSignal): Promise<string> {
    const { api, services, stream, name, register } = this.#options
    const streamArn = await arnOf(api, stream, this.#context)
    const endMs = services.clock.monotonic() + longestWaitMs
    for (;;) {
      const consumer = await api.describeConsumer(streamArn, name, this.#context).catch(noneIf('ERR_NOT_FOUND'))
      if (consumer?.ConsumerStatus === 'ACTIVE' && consumer.ConsumerARN !== undefined) return consumer.ConsumerARN
      if (consumer === undefined && !register)
        throw kinesisError('ERR_NOT_FOUND', `${this.#context.doing}: there is no such consumer; create it with provision({ mode: 'create' })`)
      // Somebody else may be faster.
      if (consumer === undefined) await api.registerConsumer(streamArn, name, this.#context).catch(noneIf('ERR_CONFLICT'))
      if (services.clock.monotonic() >= endMs)
        throw kinesisError('ERR_UNAVAILABLE', `${this.#context.doing}: it is still ${consumer?.ConsumerStatus ?? 'missing'} after ${longestWaitMs} ms`)
      await sleep(services.clock, lookMs, signal)
    }
  }
}

async function arnOf(api: Api, stream: StreamName, context: CallContext): Promise<string> {
  const arn = stream.arn ?? (await api.describe(stream, context)).StreamARN
  if (arn === undefined) throw kinesisError('ERR_NOT_FOUND', `${context.doing}: the stream has no ARN`)
  return arn
}

/** Nothing, in place of an error with this code. */
function noneIf(code: 'ERR_NOT_FOUND' | 'ERR_CONFLICT'): (error: unknown) => undefined {
  return (error) => {
    if (!isBrokerError(error) || error.code !== code) throw error
    return undefined
  }
}
