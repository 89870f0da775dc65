import {
  createBroker,
  queue,
  stream,
  text,
  topic,
  type AnyDefinition,
  type Broker,
  type BrokerOptions,
  type DestinationOptions,
  type Message,
  type Queue,
  type Route,
  type Stream,
  type SubscriptionOptions,
  type Subscription,
  type Topic,
} from '@busbar/core'
import type { Driver } from '@busbar/core/driver'
import type { CaseContext } from './context.ts'

export type TextDestination = Queue<string, string> | Topic<string, string> | Stream<string, string>
export type TextSource = Queue<string, string> | Subscription<string, string>

/** One destination of text bodies and the one source to consume it from. */
export interface TextPlace {
  readonly name: string
  readonly destination: TextDestination
  readonly source: TextSource
}

export interface KitOptions {
  readonly driver?: Driver
  readonly route?: Route
  readonly log?: BrokerOptions['log']
  readonly provision?: BrokerOptions['provision']
}

/** One start of a handler. */
export interface Handled {
  readonly text: string
  readonly message: Message<string>
  readonly at: number
}

/** Makes what a user of the public API would write, under names that only this case uses. */
export class BrokerKit {
  readonly #context: CaseContext
  #deadLetterDriver: Driver | undefined

  constructor(context: CaseContext) {
    this.#context = context
  }

  /** Keyed cases take the text before the first colon as ordering key. */
  place(options: DestinationOptions<string> = {}, subscription: Omit<SubscriptionOptions<string>, 'startFrom'> = {}): TextPlace {
    const name = this.#context.uniqueName()
    const all = { codec: text, ...(this.#context.keyed ? { orderingKey: keyOf } : {}), ...options }
    if (this.#context.kind === 'queue') {
      const destination = queue<string>(name, all)
      return { name, destination, source: destination }
    }
    if (this.#context.kind === 'topic') {
      const destination = topic<string>(name, all)
      return { name, destination, source: destination.subscription('sub-1', subscription) }
    }
    const destination = stream<string>(name, all)
    return { name, destination, source: destination.subscription('sub-1', { startFrom: 'earliest', ...subscription }) }
  }

  /** A broker of its own for the place, created at the backend and closed when the case ends. Dead letters go to a queue of the case. */
  async broker(place: TextPlace, options: KitOptions = {}): Promise<Broker> {
    const broker = this.make([place.destination, place.source], { [place.name]: this.route(options.route) }, options)
    await broker.start()
    return broker
  }

  route(route: Route = {}): Route {
    const options = this.#context.harness.routeOptions?.(this.#context.kind, this.#context.keyed)
    return { deadLetter: this.#deadLetter(), ...(options === undefined ? {} : { options }), ...route }
  }

  make(destinations: readonly AnyDefinition[], routes: Readonly<Record<string, Route>>, options: KitOptions = {}): Broker {
    const { clock, random } = this.#context.harness
    const broker = createBroker({
      driver: options.driver ?? this.#context.harness.createDriver(),
      destinations: [...new Set(destinations)],
      routes,
      provision: options.provision ?? 'create',
      clock,
      random,
      log: options.log ?? (() => {}),
    })
    this.#context.defer(() => broker.close())
    return broker
  }

  /** A handler that writes down its starts and then does what `handle` does. */
  recording(
    handled: Handled[],
    handle: (message: Message<string>, signal: AbortSignal) => unknown = () => undefined,
  ): (message: Message<string>, context: { readonly signal: AbortSignal }) => unknown {
    return (message, { signal }) => {
      handled.push({ text: message.body, message, at: this.#context.now })
      this.#context.changes.notify()
      return handle(message, signal)
    }
  }

  #deadLetter(): NonNullable<Route['deadLetter']> {
    const destination = this.#context.uniqueName('dead')
    if (this.#context.hasQueues) return { destination }
    const driver = (this.#deadLetterDriver ??= this.#context.harness.createDeadLetterDriver?.())
    // Nowhere to put them: cases that look at dead letters are not run.
    return driver === undefined ? 'drop' : { destination, driver }
  }
}

export function keyOf(body: string): string {
  return body.split(':', 1)[0] ?? body
}
