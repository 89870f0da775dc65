import { isBrokerError, sleep, type BrokerError, type Clock } from '@busbar/core/driver'
import type { Api } from './api.ts'
import { addressOf, nameInArn, type QueueName } from './names.ts'

/** Reply queues come and go: the URLs of the oldest are forgotten. */
const mostUrls = 1_000
/** A queue that was just created may take a second to be there for all. */
const longestCreationMs = 10_000
const lookEveryMs = 500

/** URLs of queues by their names: each is asked for once, by one call for all who wait. */
export class Queues {
  readonly #api: Api
  readonly #urls: Map<string, Promise<string>> = new Map()
  /** What endpoints call the queues with these ARNs. */
  readonly #addresses: Map<string, string> = new Map()

  constructor(api: Api) {
    this.#api = api
  }

  /** Throws `ERR_NOT_FOUND` if there is no such queue. */
  url(queue: QueueName): Promise<string> {
    const address = addressOf(queue)
    let url = this.#urls.get(address)
    if (url === undefined) {
      url = this.#api.queueUrl(queue.name, queue.account, { doing: `Looking for ${address}` })
      const [oldest] = this.#urls.size >= mostUrls ? this.#urls.keys() : []
      if (oldest !== undefined) this.#urls.delete(oldest)
      this.#urls.set(address, url)
      const asked = url
      asked.catch(() => this.#urls.get(address) === asked && this.#urls.delete(address))
    }
    return url
  }

  /** Asks the service, whatever is remembered. */
  freshUrl(queue: QueueName): Promise<string> {
    this.forget(queue)
    return this.url(queue)
  }

  /** The URL of a queue that was just created. */
  async createdUrl(queue: QueueName, clock: Clock, signal?: AbortSignal): Promise<string> {
    const deadline = clock.monotonic() + longestCreationMs
    for (;;) {
      try {
        return await this.freshUrl(queue)
      } catch (error) {
        if (!isBrokerError(error) || error.code !== 'ERR_NOT_FOUND' || clock.monotonic() >= deadline) throw error
      }
      await sleep(clock, lookEveryMs, signal)
    }
  }

  /** After a call has found that it is not there any more. */
  forget(queue: QueueName): void {
    this.#urls.delete(addressOf(queue))
  }

  forgetIfGone(queue: QueueName, error: BrokerError): void {
    if (error.code === 'ERR_NOT_FOUND') this.forget(queue)
  }

  learn(arn: string | undefined, queue: QueueName): void {
    if (arn !== undefined) this.#addresses.set(arn, addressOf(queue))
  }

  addressOfArn = (arn: string): string => this.#addresses.get(arn) ?? `queue ${nameInArn(arn)}`
}
