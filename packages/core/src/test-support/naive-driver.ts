import type {
  Capabilities,
  Delivery,
  Driver,
  Endpoint,
  Incoming,
  Intake,
  Link,
  Outcome,
  Outgoing,
  Receiver,
  Sender,
  SendResult,
  SettleResult,
  Window,
} from '../driver/index.ts'

/** The plainest broker that core can be tested with: queues in arrival order, one scope per receiver, no faults unless a test makes them. */
export class NaiveDriver implements Driver {
  readonly name = 'naive'
  readonly queues: Map<string, NaiveQueue> = new Map()
  readonly overrides: Partial<Capabilities>
  /** Replaces the answers of `send` while it is set. */
  onSend: ((...given: Parameters<Sender['send']>) => Promise<readonly SendResult[]> | undefined) | undefined
  onSettle: ((outcomes: readonly Outcome[]) => Promise<readonly SettleResult[]> | undefined) | undefined
  readonly receivers: NaiveReceiver[] = []
  readonly calls: string[] = []
  connected = 0

  constructor(overrides: Partial<Capabilities> = {}) {
    this.overrides = overrides
  }

  capabilities(endpoint: Endpoint): Capabilities {
    return { ...naiveCapabilities, kind: endpoint.kind, ...this.overrides }
  }

  address(endpoint: Endpoint): string {
    return addressOf(endpoint)
  }

  async connect(): Promise<Link> {
    this.connected++
    return {
      native: this,
      inspect: async (endpoint) => this.capabilities(endpoint),
      sender: (endpoint) => this.#sender(endpoint),
      receiver: (endpoint, intake, window) => {
        const receiver = new NaiveReceiver(this, this.queue(addressOf(endpoint)), intake, window)
        this.receivers.push(receiver)
        return receiver
      },
      health: () => ({ state: 'connected' }),
      close: async () => void this.calls.push('close'),
    }
  }

  queue(name: string): NaiveQueue {
    let queue = this.queues.get(name)
    if (!queue) this.queues.set(name, (queue = new NaiveQueue()))
    return queue
  }

  #sender(endpoint: Endpoint): Sender {
    return {
      send: async (batch, signal, stored) => {
        this.calls.push(`send ${endpoint.name} ${batch.length}`)
        const scripted = this.onSend?.(batch, signal, stored)
        if (scripted) return scripted
        for (const outgoing of batch) for (const queue of this.#targets(endpoint)) queue.push(outgoing)
        return batch.map(() => ({ ok: true as const }))
      },
      sizeOf: (message) => message.bodyBytes,
      writable: true,
      onWritable: undefined,
      close: async () => undefined,
    }
  }

  #targets(endpoint: Endpoint): NaiveQueue[] {
    if (endpoint.kind === 'queue') return [this.queue(endpoint.name)]
    return [...this.queues].filter(([name]) => name.startsWith(`${endpoint.name}/`)).map(([, queue]) => queue)
  }
}

export class NaiveQueue {
  readonly ready: { readonly incoming: Incoming; deliveries: number }[] = []
  onMessage: (() => void)[] = []

  push(outgoing: Outgoing): void {
    this.ready.push({ incoming: { ...outgoing, position: undefined, native: outgoing }, deliveries: 0 })
    for (const wake of this.onMessage) wake()
  }
}

export class NaiveReceiver implements Receiver {
  readonly scope = { id: 'naive' }
  readonly unsettled: Map<Delivery, { readonly incoming: Incoming; deliveries: number }> = new Map()
  readonly intake: Intake
  readonly settled: Outcome[] = []
  readonly #driver: NaiveDriver
  readonly #queue: NaiveQueue
  #window: Window
  #open = false
  #scheduled = false

  constructor(driver: NaiveDriver, queue: NaiveQueue, intake: Intake, window: Window) {
    this.#driver = driver
    this.#queue = queue
    this.intake = intake
    this.#window = window
  }

  async start(): Promise<void> {
    this.#open = true
    this.#queue.onMessage.push(() => this.#schedule())
    this.#schedule()
  }

  async settle(outcomes: readonly Outcome[]): Promise<readonly SettleResult[]> {
    this.#driver.calls.push(`settle ${outcomes.map((outcome) => outcome.action).join(' ')}`)
    this.settled.push(...outcomes)
    const scripted = this.#driver.onSettle?.(outcomes)
    if (scripted) return scripted
    return outcomes.map((outcome) => {
      const stored = this.unsettled.get(outcome.delivery)
      if (!stored) return 'too-late'
      this.unsettled.delete(outcome.delivery)
      if (outcome.action === 'retry' || outcome.action === 'release') this.#queue.ready.push(stored)
      this.#schedule()
      return 'durable'
    })
  }

  resize(window: Window): void {
    this.#window = window
    this.#schedule()
  }

  async pause(): Promise<void> {
    this.#driver.calls.push('pause')
    this.#open = false
  }

  async resume(): Promise<void> {
    this.#open = true
    this.#schedule()
  }

  async handBack(): Promise<void> {
    this.#driver.calls.push(`handBack ${this.unsettled.size}`)
    this.#queue.ready.unshift(...this.unsettled.values())
    this.unsettled.clear()
  }

  /** Everything unsettled goes back and will be delivered again. */
  drop(): void {
    const stored = [...this.unsettled.values()]
    this.unsettled.clear()
    this.#queue.ready.unshift(...stored)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    queueMicrotask(() => {
      this.#scheduled = false
      const batch: Delivery[] = []
      let bytes = 0
      for (const { incoming } of this.unsettled.values()) bytes += incoming.bodyBytes
      while (this.#open && this.unsettled.size < this.#window.messages && this.#queue.ready.length > 0) {
        const stored = this.#queue.ready[0] as { incoming: Incoming; deliveries: number }
        bytes += stored.incoming.bodyBytes
        if (bytes > this.#window.bytes && this.unsettled.size > 0) break
        this.#queue.ready.shift()
        stored.deliveries++
        const delivery: Delivery = {
          scope: this.scope,
          incoming: stored.incoming,
          sameAs: stored.incoming.id,
          brokerAttempts: stored.deliveries,
          leaseUntil: undefined,
        }
        this.unsettled.set(delivery, stored)
        batch.push(delivery)
      }
      if (batch.length > 0) this.intake.deliver(batch)
    })
  }
}

function addressOf(endpoint: Endpoint): string {
  return endpoint.subscription ? `${endpoint.name}/${endpoint.subscription.name}` : endpoint.name
}

const naiveCapabilities: Capabilities = Object.freeze({
  kind: 'queue',
  delivery: 'at-least-once',
  ordering: 'key',
  keyHold: 'process',
  lease: { kind: 'scope', maxHoldMs: false },
  settlement: { mode: 'individual', maxBatch: 100, lingerMs: 0 },
  releaseCounts: false,
  batchOrder: 'atomic',
  callOrder: 'kept',
  redelivery: { immediate: true, delayed: false, onReconnect: true },
  delay: false,
  deduplication: false,
  deadLetter: 'emulated',
  peek: 'disturbing',
  redrive: 'copy',
  replay: false,
  filter: 'none',
  headerFilter: 'none',
  addressTemplates: 'none',
  deliveryAttempt: 'exact',
  maxMessageBytes: 1_000_000,
  maxHeaders: false,
  maxBatch: { messages: 10, bytes: 1_000_000, inFlight: 4 },
  competingConsumers: true,
  subscriptions: 'durable',
  requestReply: false,
  timeToLive: false,
  priority: false,
  stats: { ready: 'none', inFlight: 'none', delayed: 'none', oldestAgeMs: 'none' },
  timestampResolutionMs: 1,
  confirms: true,
} satisfies Capabilities)
