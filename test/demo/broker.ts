import { connect, type AnyDefinition, type Broker, type ConnectOptions } from '@busbar/core'
import type { Activity } from './activity.ts'
import { amqpBackend } from './backends/amqp.ts'
import { memoryBackend } from './backends/memory.ts'
import { mqttBackend } from './backends/mqtt.ts'
import { sqsBackend } from './backends/sqs.ts'

/** Something done to a backend on purpose. */
export interface Fault {
  readonly text: string
  strike(): Promise<void>
}

/** Where the program runs. The only things that a backend decides are here. */
export interface Backend extends AsyncDisposable {
  /** For the reader: what it is and where it came from. */
  readonly title: string
  /** What `connect` of core is given, for a program with the destinations of these names. */
  readonly configuration: (destinations: readonly string[]) => Parameters<typeof connect>[0]
  readonly drivers: ConnectOptions['drivers']
  readonly naming?: (name: string) => string
  /** In the order in which they strike. */
  readonly faults: readonly Fault[]
  /** Told what was created there: `queue orders.dead`. */
  created?(resources: readonly string[]): void
}

export interface BackendOptions {
  readonly faults: boolean
  /** A broker that is not to be had is no error. */
  readonly maySkip: boolean
  /** Told about slow steps. */
  readonly say: (text: string) => void
}

/** Chooses and starts a backend. Throws if it is not to be had on this machine, or prints that and answers `undefined` if it may be skipped. */
export async function openBackend(broker: string, options: BackendOptions): Promise<Backend | undefined> {
  if (broker === 'memory') return memoryBackend(options)
  if (broker === 'mqtt') return await mqttBackend(options)
  return broker === 'sqs' ? await sqsBackend(options) : await amqpBackend(broker, options)
}

/** A broker of the backend, by configuration alone. */
export function connectTo(backend: Backend, destinations: readonly AnyDefinition[], { log, telemetry }: Activity): Promise<Broker> {
  const { configuration, drivers, naming } = backend
  const names = destinations.map(({ name }) => name)
  return connect(configuration(names), { drivers, destinations, log, telemetry, ...(naming && { naming }) })
}
