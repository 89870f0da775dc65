import { systemClock } from '@busbar/core'
import type { BrokerError, Delivery, Driver, Endpoint, Intake, Link, Receiver, StartFrom } from '@busbar/core/driver'
import { until } from '../../brokers/core/until.ts'

const never = new AbortController().signal

/** An endpoint of the subscription `tracker`. */
export function trackerOf(stream: string, options: Readonly<Record<string, unknown>> = {}, startFrom: StartFrom = 'earliest'): Endpoint {
  return { destination: stream, kind: 'stream', name: stream, subscription: { name: 'tracker', startFrom }, keyed: false, maxAttempts: 0, options }
}

/** What a driver receives without core, every message acked as it comes, until it is disposed of. */
export class Reading implements Intake, AsyncDisposable {
  /** Of all messages so far, in the order in which they came. */
  readonly texts: string[] = []
  /** Texts by the shards that they came from. */
  readonly byShard: Map<string, string[]> = new Map()
  readonly failures: BrokerError[] = []
  /** Names of the calls that were made. */
  readonly calls: string[] = []
  #link: Link | undefined
  #receiver: Receiver | undefined

  private constructor() {}

  /** It has begun: `latest` is what is written from now on. */
  static async of(driver: Driver, endpoint: Endpoint): Promise<Reading> {
    const reading = new Reading()
    const meter = (call: string): void => void reading.calls.push(call)
    const link = (reading.#link = await driver.connect({ clock: systemClock, random: Math.random, log: () => undefined, meter }, never))
    if (link.receiver === false) throw new TypeError('streams can be received from')
    reading.#receiver = link.receiver(endpoint, reading, { messages: 1_000, bytes: 10_000_000 })
    await reading.#receiver.start()
    return reading
  }

  async pause(): Promise<void> {
    await this.#receiver?.pause()
  }

  async resume(): Promise<void> {
    await this.#receiver?.resume()
  }

  deliver(deliveries: readonly Delivery[]): void {
    for (const { incoming, scope } of deliveries) {
      const text = Buffer.from(incoming.body).toString()
      const shard = scope.partition ?? ''
      this.texts.push(text)
      this.byShard.set(shard, [...(this.byShard.get(shard) ?? []), text])
    }
    void this.#receiver?.settle(deliveries.map((delivery) => ({ delivery, action: 'ack' })))
  }

  lost(_scope: unknown, reason: BrokerError): void {
    this.failures.push(reason)
  }

  async revoke(): Promise<void> {}

  failed(error: BrokerError): void {
    this.failures.push(error)
  }

  recovered(): void {}

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#receiver?.pause()
    await this.#receiver?.handBack()
    await this.#link?.close()
  }
}

/** Waits until so much has been read. */
export async function untilRead({ texts, failures }: Reading, count: number): Promise<void> {
  const enough = async (): Promise<void> => {
    if (texts.length < count) throw new Error(`${texts.length} of ${count} records; ${String(failures.at(-1))}`)
  }
  await until('records', enough, { timeoutMs: 15_000, intervalMs: 20 })
}
