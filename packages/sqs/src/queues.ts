import type { BrokerError } from '@busbar/core/driver'
import type { Api } from './api.ts'
import { addressOf, type QueueName } from './names.ts'

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
      this.#urls.set(address, url)
      url.catch(() => this.forget(queue))
    }
    return url
  }

  /** Asks the service, whatever is remembered. */
  freshUrl(queue: QueueName): Promise<string> {
    this.forget(queue)
    return this.url(queue)
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

  addressOfArn = (arn: string): string => this.#addresses.get(arn) ?? `queue ${arn.slice(arn.lastIndexOf(':') + 1)}`
}
