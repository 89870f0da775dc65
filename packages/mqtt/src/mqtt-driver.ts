import {
  isBrokerError,
  type Capabilities,
  type Driver,
  type DriverFactory,
  type Endpoint,
  type Intake,
  type Link,
  type LinkHealth,
  type Receiver,
  type Refusal,
  type Sender,
  type Services,
  type Window,
} from '@busbar/core/driver'
import type { MqttClient } from 'mqtt'
import { schemes } from './address.ts'
import { capabilitiesOf, narrowed } from './capabilities.ts'
import { Control } from './connection/control.ts'
import { Dialer } from './connection/dialer.ts'
import { configuration, driverName, mqttError } from './errors.ts'
import { fillingOf } from './filling.ts'
import { addressOf } from './names.ts'
import { optionsFromUrl, resolveOptions, type MqttOptions, type ResolvedOptions } from './options.ts'
import { Notes } from './provisioning/notes.ts'
import { SharedProbe } from './provisioning/probe.ts'
import { Restoration } from './provisioning/restoration.ts'
import { Sessions } from './provisioning/sessions.ts'
import { MqttTopology } from './provisioning/topology.ts'
import { Copies } from './receiving/copies.ts'
import { MqttReceiver } from './receiving/receiver.ts'
import { MqttReplies } from './replies.ts'
import { resolveRouteOptions } from './route-options.ts'
import { templateOf } from './templates.ts'
import { Publisher } from './sending/publisher.ts'
import { MqttSender } from './sending/sender.ts'

/** The client library's own client that sends; `undefined` while its connection is down, and another one after every reconnect. */
export interface MqttNative {
  readonly client: MqttClient | undefined
}

/**
 * MQTT 5 and 3.1.1 (also Amazon MQ for ActiveMQ).
 *
 * ```ts
 * const broker = createBroker({ driver: mqtt({ url: process.env.MQTT_URL }), destinations: [positions] })
 * ```
 * Throws `ERR_CONFIGURATION` for unknown or illegal options.
 */
export const mqtt: ((options: MqttOptions) => Driver<MqttNative>) & DriverFactory<MqttOptions> = Object.assign(
  (options: MqttOptions): Driver<MqttNative> => new MqttDriver(resolveOptions(options)),
  {
    schemes: [...schemes],
    fromUrl: (url: URL): Driver<MqttNative> => new MqttDriver(resolveOptions(optionsFromUrl(url))),
    fromConfiguration: (options: Readonly<Record<string, unknown>>): Driver<MqttNative> => {
      if (options['url'] === undefined) throw configuration("mqtt: option 'url' is missing")
      return new MqttDriver(resolveOptions(options as unknown as MqttOptions))
    },
  },
)

/**
 * Acks go in the order of receipt: behind a message that takes long, or waits to be tried again, only so many others are handled until it is done. What waits in a
 * session goes to nobody else meanwhile, so that a smaller window keeps nothing for others.
 */
const leastHeld = 1_000

class MqttDriver implements Driver<MqttNative> {
  readonly name: string = driverName
  readonly #options: ResolvedOptions

  constructor(options: ResolvedOptions) {
    this.#options = options
  }

  capabilities(endpoint: Endpoint): Capabilities | Refusal {
    try {
      return capabilitiesOf(endpoint, this.#options, resolveRouteOptions(endpoint, this.#options))
    } catch (error) {
      if (!isBrokerError(error) || error.code !== 'ERR_CONFIGURATION') throw error
      return { refused: error.message, remedy: "correct the route's options" }
    }
  }

  address(endpoint: Endpoint): string {
    return addressOf(endpoint)
  }

  leastInFlight(): number {
    return leastHeld
  }

  async connect(services: Services, signal: AbortSignal): Promise<Link<MqttNative>> {
    const link = new MqttLink(this.#options, services, (endpoint) => this.capabilities(endpoint))
    await link.open(signal)
    return link
  }
}

/** One connection that sends and is told, and one for each session that is received from. */
class MqttLink implements Link<MqttNative> {
  readonly native: MqttNative
  readonly replies: MqttReplies
  readonly topology: MqttTopology
  readonly #options: ResolvedOptions
  readonly #services: Services
  readonly #capabilities: (endpoint: Endpoint) => Capabilities | Refusal
  readonly #dialer: Dialer
  readonly #control: Control
  readonly #notes: Notes
  readonly #sessions: Sessions
  readonly #restoration: Restoration
  readonly #publisher: Publisher
  readonly #probe: SharedProbe
  #receivers = 0

  constructor(options: ResolvedOptions, services: Services, capabilities: (endpoint: Endpoint) => Capabilities | Refusal) {
    const dialer = new Dialer(options, services)
    const control = new Control(randomName(services), options, services, dialer)
    this.#options = options
    this.#services = services
    this.#capabilities = capabilities
    this.#dialer = dialer
    this.#control = control
    this.#notes = new Notes(control, options.notesTopic, services, options.timeoutMs)
    this.#sessions = new Sessions(options, this.#notes)
    this.#restoration = new Restoration(options, services, dialer, this.#notes, this.#sessions)
    this.#publisher = new Publisher(control, options, services)
    this.#probe = new SharedProbe(control, options, services)
    this.replies = new MqttReplies(control, options, this.#publisher)
    this.topology = new MqttTopology(options, dialer, this.#notes, this.#sessions)
    this.native = {
      get client() {
        return control.connection?.client
      },
    }
  }

  async open(signal: AbortSignal): Promise<void> {
    await this.#control.connect(signal)
    const facts = this.#control.connection?.facts
    if (facts === undefined || (facts.retainAvailable && facts.wildcardsAvailable)) return
    await this.close()
    throw mqttError(
      'ERR_UNSUPPORTED',
      `The broker has no ${facts.retainAvailable ? 'wildcard subscriptions' : 'retained messages'}, in which the driver keeps its notes on sessions; use another broker.`,
    )
  }

  async inspect(endpoint: Endpoint, _signal: AbortSignal): Promise<Capabilities> {
    const claimed = this.#capabilities(endpoint)
    if ('refused' in claimed) throw configuration(`${endpoint.destination}: ${claimed.refused}; ${claimed.remedy}`)
    const names = await this.#sessions.of(endpoint)
    if (names.some(({ shared }) => shared)) await this.#probe.delivers()
    await this.#sessions.made(endpoint)
    const { connection } = this.#control
    if (connection === undefined) throw this.#control.reason
    return narrowed(claimed, connection.facts, names.length)
  }

  sender(endpoint: Endpoint): Sender {
    const { qos, retain, mandatory, envelope } = resolveRouteOptions(endpoint, this.#options)
    const form = { topic: endpoint.name, filling: fillingOf(endpoint, this.#options), protocolVersion: this.#options.protocolVersion, envelope, qos, retain }
    if (endpoint.kind !== 'queue') return new MqttSender(form, mandatory ? 'refused' : 'taken', this.#publisher)
    return new MqttSender(form, 'retried', this.#publisher, {
      check: () => this.#sessions.made(endpoint),
      onUnmatched: () => this.#restoration.restore(endpoint),
    })
  }

  readonly receiver = (endpoint: Endpoint, intake: Intake, window: Window): Receiver => {
    const { qos, envelope, republish } = resolveRouteOptions(endpoint, this.#options)
    const restore = (): void => this.#restoration.restore(endpoint)
    const parts = {
      names: () => this.#sessions.made(endpoint),
      qos: qos === 0 ? (0 as const) : (1 as const),
      envelope,
      template: templateOf(endpoint),
      copies: republish
        ? new Copies({ topic: endpoint.name, qos, protocolVersion: this.#options.protocolVersion }, this.#publisher, this.#services, restore)
        : undefined,
      options: this.#options,
      services: this.#services,
      dialer: this.#dialer,
      control: this.#control,
      notes: this.#notes,
      holder: `${this.#control.instance}-${++this.#receivers}`,
    }
    return new MqttReceiver(parts, intake, window)
  }

  health(): LinkHealth {
    return this.#control.health
  }

  async close(): Promise<void> {
    this.#restoration.close()
    await this.replies.close()
    await this.#control.close()
  }
}

function randomName({ random }: Services): string {
  const part = (): string =>
    Math.floor(random() * 2 ** 32)
      .toString(16)
      .padStart(8, '0')
  return `${part()}${part()}`
}
