import type { Capabilities, Driver, Endpoint, EndpointSubscription, Services } from '@busbar/core/driver'
import type { Faults, Harness, Kind } from '../harness.ts'
import { check } from './assert.ts'
import { BrokerKit } from './broker-kit.ts'
import type { Inbox, Reaction } from './inbox.ts'
import { combine, type Place, type PlaceOptions } from './place.ts'
import { Session } from './session.ts'
import { Changes, Waiting } from './waiting.ts'
import { holdMs } from './capabilities.ts'

/** Everything that one run of one case has: its own places, connections and brokers, all closed when it ends. */
export class CaseContext {
  readonly harness: Harness
  readonly kind: Kind
  readonly keyed: boolean
  readonly waiting: Waiting
  readonly changes: Changes = new Changes()
  /** The public API: definitions and brokers under names of this case. */
  readonly api: BrokerKit
  readonly #onInspected: (capabilities: Capabilities) => void
  readonly #closers: (() => Promise<void>)[] = []
  #ids = 0
  #admin: Session | undefined

  constructor(harness: Harness, kind: Kind, keyed: boolean, onInspected: (capabilities: Capabilities) => void = () => {}) {
    this.harness = harness
    this.#onInspected = onInspected
    this.kind = kind
    this.keyed = keyed
    // A broker that has to be reached again first takes the longest.
    this.waiting = new Waiting(harness.clock, this.changes, 4 * harness.bounds.reconnectMs)
    this.api = new BrokerKit(this)
  }

  get now(): number {
    return this.harness.clock.monotonic()
  }

  /** Can the driver hold a queue for dead letters beside the case's own destination? */
  get hasQueues(): boolean {
    return !('refused' in this.harness.createDriver().capabilities(this.endpoint(this.uniqueName('probe'), { kind: 'queue' })))
  }

  /** Run when the case ends, the latest first. */
  defer(close: () => Promise<void>): void {
    this.#closers.push(close)
  }

  async end(): Promise<void> {
    for (const close of this.#closers.splice(0).toReversed()) await close()
  }

  fault<Name extends keyof Faults>(name: Name): NonNullable<Faults[Name]> {
    const fault = this.harness.faults?.[name]
    check(fault !== undefined, `the harness can cause ${name}`)
    return fault.bind(this.harness.faults) as NonNullable<Faults[Name]>
  }

  /** A new connection by a driver of its own. */
  async connect(driver: Driver = this.harness.createDriver()): Promise<Session> {
    const link = await this.waiting.answered(driver.connect(this.services(), new AbortController().signal), 'connect')
    const session = new Session(link, this.waiting, this.changes, this.harness.clock, () => `m-${++this.#ids}`)
    this.defer(() => session.close())
    return session
  }

  services(overrides: Partial<Services> = {}): Services {
    return { clock: this.harness.clock, random: this.harness.random, log: () => {}, meter: () => {}, ...overrides }
  }

  endpoint(name: string, options: PlaceOptions & { readonly kind?: Kind } = {}, subscription?: EndpointSubscription): Endpoint {
    const kind = options.kind ?? this.kind
    return {
      destination: name,
      kind,
      name,
      keyed: this.keyed,
      maxAttempts: options.maxAttempts ?? 0,
      options: this.harness.routeOptions?.(kind, this.keyed) ?? {},
      ...(options.deadLetterName === undefined ? {} : { deadLetterName: options.deadLetterName }),
      ...(subscription === undefined ? {} : { subscription }),
    }
  }

  uniqueName(prefix = 'case'): string {
    return this.harness.uniqueName(prefix, this.keyed)
  }

  /** A destination of the case's kind with one source, created at the broker. */
  async place(options: PlaceOptions = {}): Promise<Place> {
    const [place] = await this.places(1, options)
    check(place !== undefined, 'a place was made')
    return place
  }

  /** One destination with `count` subscriptions of their own; queues can only have one source. */
  async places(count: number, options: PlaceOptions = {}): Promise<readonly Place[]> {
    const name = this.uniqueName()
    const destination = this.endpoint(name, options)
    const sources =
      this.kind === 'queue'
        ? [destination]
        : Array.from({ length: count }, (_, index) => {
            const startFrom = this.kind === 'stream' ? { startFrom: 'earliest' as const } : {}
            return this.endpoint(name, options, { ...startFrom, ...options.subscription, name: `sub-${index + 1}` })
          })
    const deadLetters = options.deadLetterName === undefined ? [] : [{ ...this.endpoint(options.deadLetterName, { kind: 'queue' }) }]
    await this.create([...deadLetters, destination, ...sources.filter((source) => source !== destination)])
    const inspected = await this.inspect(destination)
    return Promise.all(
      sources.map(async (source) => {
        const capabilities = source === destination ? inspected : combine(inspected, await this.inspect(source))
        this.#onInspected(capabilities)
        return { destination, source, capabilities }
      }),
    )
  }

  /** Creates endpoints at the broker, if the driver has a topology to create. */
  async create(endpoints: readonly Endpoint[]): Promise<void> {
    const { link } = await this.admin()
    const signal = new AbortController().signal
    if (link.topology === undefined) return
    const changes = await this.waiting.answered(link.topology.plan(endpoints, signal), 'topology.plan')
    if (changes.length > 0) await this.waiting.answered(link.topology.apply(endpoints, changes, signal), 'topology.apply')
  }

  async inspect(endpoint: Endpoint): Promise<Capabilities> {
    const { link } = await this.admin()
    return this.waiting.answered(link.inspect(endpoint, new AbortController().signal), 'inspect')
  }

  /** Milliseconds within which a free message must arrive after an unsettled delivery of it was abandoned. */
  againMs(place: Place): number {
    return holdMs(place.capabilities) + this.harness.bounds.arrivalMs
  }

  /** Milliseconds of silence after which a settled message does not come any more. */
  silenceMs(place: Place): number {
    return holdMs(place.capabilities) + this.harness.bounds.quietMs
  }

  /** Stops the inbox without settling what it holds and receives on a new connection: what was unsettled must come there. */
  async takeOver(
    session: Session,
    inbox: Inbox,
    react?: (arrival: { readonly text: string }) => Reaction,
  ): Promise<{ readonly session: Session; readonly inbox: Inbox }> {
    inbox.react = () => 'keep'
    if (holdMs(inbox.place.capabilities) > 0) await this.waiting.answered(inbox.receiver.pause(), 'pause')
    else await session.handBack(inbox)
    const next = await this.connect()
    return { session: next, inbox: await next.receive(inbox.place, react === undefined ? {} : { react }) }
  }

  async admin(): Promise<Session> {
    return (this.#admin ??= await this.connect())
  }
}
