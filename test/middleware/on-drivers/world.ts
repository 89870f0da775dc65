import type { Harness } from '@busbar/contract-tests'
import { createBroker, queue, text, topic, type Broker, type Clock, type Logger, type Queue, type Route, type Subscription, type Topic } from '@busbar/core'

/** Somewhere to send to and to consume from: a queue, or a topic with a subscription where the driver has no queues. */
export interface Place {
  readonly destination: Queue<string, string> | Topic<string, string>
  readonly source: Queue<string, string> | Subscription<string, string>
}

/** One driver as a test uses it: brokers of their own for the same place, all closed when the test ends. */
export class World implements AsyncDisposable {
  readonly harness: Harness
  readonly place: Place
  /** What all its brokers have logged. */
  readonly logged: { readonly event: string; readonly error?: unknown }[] = []
  readonly #route: Route
  readonly #brokers: Broker[] = []

  constructor(harness: Harness) {
    this.harness = harness
    const name = harness.uniqueName('flow', false)
    if (hasQueues(harness)) {
      const destination = queue<string>(name, { codec: text })
      this.place = { destination, source: destination }
    } else {
      const destination = topic<string>(name, { codec: text })
      this.place = { destination, source: destination.subscription('sub-1') }
    }
    const driver = harness.createDeadLetterDriver?.()
    this.#route = { deadLetter: { destination: harness.uniqueName('dead', false), ...(driver === undefined ? {} : { driver }) } }
  }

  get clock(): Clock {
    return this.harness.clock
  }

  get now(): number {
    return this.clock.monotonic()
  }

  get peeks(): boolean {
    return this.#capability('peek') !== 'none'
  }

  get replies(): boolean {
    return this.#capability('requestReply')
  }

  async broker(): Promise<Broker> {
    const { destination, source } = this.place
    const broker = this.open([...new Set([destination, source])], { [destination.name]: this.#route })
    await broker.start()
    return broker
  }

  open(destinations: Parameters<typeof createBroker>[0]['destinations'], routes: Readonly<Record<string, Route>> = {}): Broker {
    const { clock, random } = this.harness
    const log: Logger = (_level, event, data) => void this.logged.push({ event, ...data })
    const broker = createBroker({ driver: this.harness.createDriver(), destinations, routes, provision: 'create', clock, random, log })
    this.#brokers.push(broker)
    return broker
  }

  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.clock.timer(this.now + ms, resolve)
      signal?.addEventListener('abort', () => {
        timer.cancel()
        reject(signal.reason as Error)
      })
    })
  }

  async until(what: string, condition: () => boolean | Promise<boolean>, withinMs: number = 60_000): Promise<void> {
    const deadline = this.now + withinMs
    while (!(await condition())) {
      if (this.now > deadline) throw new Error(`not within ${withinMs} ms: ${what}`)
      await this.wait(20)
    }
  }

  /** Longer than what was not acked stays away. */
  silence(): Promise<void> {
    const lease = this.#capability('lease')
    return this.wait(this.harness.bounds.quietMs + (typeof lease === 'object' && lease.kind === 'message' ? lease.ms : 0))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const broker of this.#brokers) await broker.close()
  }

  #capability<Key extends 'peek' | 'requestReply' | 'lease'>(key: Key) {
    const { kind, name } = this.place.destination
    const endpoint = {
      destination: name,
      kind,
      name,
      keyed: false,
      maxAttempts: 0,
      options: {},
      ...(kind === 'topic' ? { subscription: { name: 'sub-1' } } : {}),
    }
    const capabilities = this.harness.createDriver().capabilities(endpoint)
    if ('refused' in capabilities) throw new Error(capabilities.refused)
    return capabilities[key]
  }
}

function hasQueues(harness: Harness): boolean {
  const name = harness.uniqueName('probe', false)
  return !('refused' in harness.createDriver().capabilities({ destination: name, kind: 'queue', name, keyed: false, maxAttempts: 0, options: {} }))
}
