import type {
  AddressTemplate,
  BrokerError,
  BrowsePage,
  Capabilities,
  Endpoint,
  EndpointStats,
  Intake,
  Link,
  LinkHealth,
  MoveOptions,
  Outgoing,
  Receiver,
  Replies,
  Sender,
  SendResult,
  Services,
  Topology,
  Window,
} from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import type { MemoryDriver } from '../memory-driver.ts'
import { incomingOf, Stored } from '../queue/stored.ts'
import { browseQueue, placeOf } from '../queue/inspect.ts'
import type { Queue } from '../queue/queue.ts'
import { templateOf } from '../resources.ts'
import type { World } from '../world.ts'
import type { LinkMember } from './member.ts'
import { MemoryReplies } from './replies.ts'
import { MemorySender, type Store } from './memory-sender.ts'
import { moveMessages } from './move.ts'
import { MemoryTopology } from './topology.ts'
import { QueueReceiver } from './queue-receiver.ts'
import { StreamReceiver } from './stream-receiver.ts'

const stored: SendResult = Object.freeze({ ok: true })

/** One program's connection to the broker in memory. */
export class MemoryLink implements Link<MemoryDriver> {
  readonly native: MemoryDriver
  readonly services: Services
  readonly world: World
  readonly name: string
  readonly senders: Set<MemorySender> = new Set<MemorySender>()
  declare readonly replies?: Replies
  declare readonly stats?: (endpoint: Endpoint) => Promise<EndpointStats>
  declare readonly browse?: (endpoint: Endpoint, options: { readonly cursor?: string; readonly limit: number }) => Promise<BrowsePage>
  declare readonly move?: (from: Endpoint, to: Endpoint, options: MoveOptions) => Promise<{ readonly moved: number }>
  readonly topology: Topology
  readonly #members = new Set<LinkMember>()
  #state: 'connected' | 'reconnecting' | 'closed' = 'connected'
  #drops = 0
  #receivers = 0

  constructor(driver: MemoryDriver, services: Services, name: string) {
    this.native = driver
    this.services = services
    this.world = driver.world
    this.name = name
    this.topology = new MemoryTopology(driver.resources)
    const { profile } = driver.resources
    if (profile.replies) this.replies = new MemoryReplies(this, driver.replyAddresses)
    if (profile.counts) this.stats = async (endpoint) => driver.resources.stats(endpoint)
    if (profile.moves) this.move = (from, to, options) => moveMessages(this.world, driver.resources.queue(from), driver.resources.queue(to), options)
    if (profile.browses) this.browse = async (endpoint, options) => this.#browse(endpoint, options)
  }

  get up(): boolean {
    return this.#state === 'connected'
  }

  async inspect(endpoint: Endpoint): Promise<Capabilities> {
    return this.native.resources.inspect(endpoint)
  }

  sender(endpoint: Endpoint): Sender {
    const { resources } = this.native
    const capabilities = resources.capabilities(endpoint)
    resources.ensure(endpoint)
    return new MemorySender(this, endpoint, resources.placeOf(endpoint), resources.profile, capabilities, this.#store(endpoint))
  }

  readonly receiver = (endpoint: Endpoint, intake: Intake, window: Window): Receiver => {
    const { resources } = this.native
    resources.ensure(endpoint)
    const group = resources.group(endpoint)
    if (group === undefined) return new QueueReceiver(this, resources.queue(endpoint), intake, window)
    return new StreamReceiver(this, group, intake, window, endpoint.kind === 'stream')
  }

  health(): LinkHealth {
    return this.#state === 'reconnecting' ? { state: 'reconnecting', error: this.unavailable() } : { state: this.#state }
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    for (const member of [...this.#members]) member.linkClosed(this.unavailable())
    this.native.links.delete(this)
  }

  join(member: LinkMember): void {
    if (this.#state === 'closed') throw memoryError('ERR_CLOSED', 'The link is closed')
    this.#members.add(member)
  }

  leave(member: LinkMember): void {
    this.#members.delete(member)
  }

  nextReceiverName(): string {
    return `${this.name}-r${++this.#receivers}`
  }

  unavailable(): BrokerError {
    return this.#state === 'closed' ? memoryError('ERR_CLOSED', 'The link is closed') : memoryError('ERR_UNAVAILABLE', 'The connection is down')
  }

  /** Loses the connection and restores it after `downMs`; with 0 at once. */
  drop(downMs: number): void {
    if (this.#state === 'closed') return
    const drop = ++this.#drops
    this.#state = 'reconnecting'
    const reason = memoryError('ERR_UNAVAILABLE', 'The connection was lost')
    for (const member of [...this.#members]) member.connectionLost(reason)
    const { clock } = this.world
    clock.timer(clock.monotonic() + downMs, () => {
      if (drop === this.#drops && this.#state === 'reconnecting') this.#restore()
    })
  }

  /** Everything received over this link is lost at once, as if the process had ended; it then goes on like a new one. */
  crash(): void {
    const reason = memoryError('ERR_UNAVAILABLE', 'The consumer was taken for dead')
    for (const member of [...this.#members]) member.lose(reason)
  }

  #browse(endpoint: Endpoint, { cursor, limit }: { readonly cursor?: string; readonly limit: number }): BrowsePage {
    if (this.native.resources.profile.engine(endpoint.kind) === 'stream')
      throw memoryError('ERR_UNSUPPORTED', `A ${endpoint.kind} shows nothing without reading it`)
    const page = browseQueue(this.native.resources.queue(endpoint), cursor === undefined ? -1 : Number(cursor), limit + 1)
    const messages = page.slice(0, limit).map((message) => message.incoming)
    const last = page[limit - 1]
    return page.length <= limit || last === undefined ? { messages } : { messages, cursor: String(placeOf(last)) }
  }

  #restore(): void {
    this.#state = 'connected'
    for (const member of [...this.#members]) member.connectionRestored()
    for (const sender of [...this.senders]) sender.onWritable?.()
  }

  #store(endpoint: Endpoint): Store {
    const { resources } = this.native
    switch (resources.profile.engine(endpoint.kind)) {
      case 'queue':
        return this.#storeIn(resources.queue(endpoint))
      case 'topic': {
        const template = templateOf(endpoint)
        if (endpoint.subscription !== undefined) return this.#storeIn(resources.queue(endpoint), template)
        const topic = resources.topic(endpoint)
        return (batch, now) => batch.map((outgoing) => receipt(outgoing, topic.publish(outgoing, now, template?.filled(outgoing.parameters))))
      }
      case 'stream': {
        const stream = resources.stream(endpoint)
        return (batch) => stream.append(batch)
      }
    }
  }

  #storeIn(queue: Queue, template?: AddressTemplate): Store {
    const { world } = this
    return (batch, now) => {
      const results = new Array<SendResult>(batch.length)
      for (let index = 0; index < batch.length; index++) {
        const outgoing = batch[index] as Outgoing
        const incoming = template === undefined ? incomingOf(outgoing) : { ...incomingOf(outgoing), parameters: outgoing.parameters }
        const message = new Stored(world.nextId(), incoming, now, outgoing.timeToLiveMs, outgoing.priority, outgoing.deduplicationId)
        results[index] = receipt(outgoing, queue.accept(message, queue.delayOf(outgoing.delayMs)))
      }
      return results
    }
  }
}

/** The broker's own id matters only to whoever asked for deduplication: it tells which message was kept. */
function receipt(outgoing: Outgoing, id: number): SendResult {
  return outgoing.deduplicationId === undefined ? stored : { ok: true, id: `m${id}` }
}
