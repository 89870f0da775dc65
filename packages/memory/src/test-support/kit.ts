import type {
  BrokerError,
  Capabilities,
  Delivery,
  Endpoint,
  EndpointStats,
  Intake,
  Outcome,
  Outgoing,
  Receiver,
  Scope,
  Sender,
  SendResult,
  Services,
  SettleResult,
  Window,
} from '@busbar/core/driver'
import { memory, virtualClock, type MemoryDriver, type MemoryOptions, type VirtualClock } from '../index.ts'
import type { MemoryLink } from '../link/link.ts'
import { outgoing } from '../testing/builders.ts'

/** What an intake was told. */
export class FakeIntake implements Intake {
  readonly deliveries: Delivery[] = []
  readonly lostScopes: { readonly scope: Scope; readonly reason: BrokerError }[] = []
  readonly failures: { readonly error: BrokerError; readonly fatal: boolean }[] = []
  recoveries = 0
  onRevoke: (scope: Scope) => Promise<void> = async () => {}
  onDeliver: (deliveries: readonly Delivery[]) => void = () => {}

  deliver(deliveries: readonly Delivery[]): void {
    this.deliveries.push(...deliveries)
    this.onDeliver(deliveries)
  }

  lost(scope: Scope, reason: BrokerError): void {
    this.lostScopes.push({ scope, reason })
  }

  revoke(scope: Scope): Promise<void> {
    return this.onRevoke(scope)
  }

  failed(error: BrokerError, fatal: boolean): void {
    this.failures.push({ error, fatal })
  }

  recovered(): void {
    this.recoveries++
  }

  /** Ids of what came since the last look. */
  take(): (string | undefined)[] {
    return this.deliveries.splice(0).map((delivery) => delivery.incoming.id)
  }
}

/** A started receiver with its intake. */
export interface Consumer {
  readonly intake: FakeIntake
  readonly receiver: Receiver
  /** The last delivery of a message. */
  readonly last: (id: string) => Delivery
  readonly settle: (action: 'ack' | 'release' | 'discard', ...ids: string[]) => Promise<readonly SettleResult[]>
  readonly retry: (delayMs: number, ...ids: string[]) => Promise<readonly SettleResult[]>
  readonly extend: (ms: number, ...ids: string[]) => Promise<readonly SettleResult[]>
}

export interface Kit {
  readonly driver: MemoryDriver
  readonly clock: VirtualClock
  readonly link: MemoryLink
  readonly endpoint: (parts?: Partial<Endpoint>) => Endpoint
  readonly send: (messages: readonly (string | Partial<Outgoing>)[], endpoint?: Endpoint) => Promise<readonly SendResult[]>
  readonly sender: (endpoint?: Endpoint) => Sender
  /** Receives until told otherwise. */
  readonly consume: (options?: { readonly endpoint?: Endpoint; readonly window?: Partial<Window>; readonly link?: MemoryLink }) => Promise<Consumer>
  readonly connect: () => Promise<MemoryLink>
  readonly capabilities: (endpoint?: Endpoint) => Capabilities
  readonly stats: (endpoint?: Endpoint) => Promise<EndpointStats>
}

const open = new AbortController().signal

/** A broker on a clock that only the test moves, and a link to it. */
export async function kit(options: MemoryOptions = {}): Promise<Kit> {
  const clock = virtualClock({ auto: false })
  const driver = memory({ clock, ...options })
  const connect = (): Promise<MemoryLink> => driver.connect(servicesFor(clock), open)
  const link = await connect()
  const endpoint = (parts: Partial<Endpoint> = {}): Endpoint => ({
    destination: 'orders',
    kind: 'queue',
    name: 'orders',
    keyed: true,
    maxAttempts: 0,
    options: {},
    ...parts,
  })
  return {
    driver,
    clock,
    link,
    endpoint,
    connect,
    sender: (to = endpoint()) => link.sender(to),
    send: (messages, to = endpoint()) =>
      link.sender(to).send(
        messages.map((message) => outgoing(typeof message === 'string' ? { id: message } : message)),
        open,
      ),
    consume: ({ endpoint: from = endpoint(), window = {}, link: via = link } = {}) => consume(via, clock, from, { messages: 100, bytes: 1_000_000, ...window }),
    capabilities: (of = endpoint()) => link.native.capabilities(of) as Capabilities,
    stats: async (of = endpoint()) => (await link.stats?.(of)) as EndpointStats,
  }
}

export function servicesFor(clock: VirtualClock): Services {
  return { clock, random: () => 0.5, log: () => {}, meter: () => {} }
}

async function consume(link: MemoryLink, clock: VirtualClock, endpoint: Endpoint, window: Window): Promise<Consumer> {
  const intake = new FakeIntake()
  const seen = new Map<string | undefined, Delivery>()
  intake.onDeliver = (deliveries) => {
    for (const delivery of deliveries) seen.set(delivery.incoming.id, delivery)
  }
  const receiver = link.receiver(endpoint, intake, window)
  await receiver.start()
  await clock.advance(0)
  const last = (id: string): Delivery => {
    const delivery = seen.get(id)
    if (delivery === undefined) throw new Error(`${id} was never delivered`)
    return delivery
  }
  const settle = async (outcomes: readonly Outcome[]): Promise<readonly SettleResult[]> => {
    const results = await receiver.settle(outcomes)
    await clock.advance(0)
    return results
  }
  return {
    intake,
    receiver,
    last,
    settle: (action, ...ids) => settle(ids.map((id) => ({ delivery: last(id), action }))),
    retry: (delayMs, ...ids) => settle(ids.map((id) => ({ delivery: last(id), action: 'retry', delayMs, attempt: 1 }))),
    extend: async (ms, ...ids) => (await receiver.extend?.(ids.map(last), ms)) ?? [],
  }
}
