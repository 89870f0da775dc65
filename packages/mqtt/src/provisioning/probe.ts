import { pauseFor, type Services } from '@busbar/core/driver'
import type { Control } from '../connection/control.ts'
import { mqttError } from '../errors.ts'
import type { ResolvedOptions } from '../options.ts'

const arrivalMs = 3_000

/** Whether shared subscriptions deliver: some brokers grant them, and send nothing. Throws `ERR_UNSUPPORTED` if they don't. */
export class SharedProbe {
  readonly #control: Control
  readonly #options: ResolvedOptions
  readonly #services: Services
  #delivers: Promise<void> | undefined

  constructor(control: Control, options: ResolvedOptions, services: Services) {
    this.#control = control
    this.#options = options
    this.#services = services
  }

  /** Tried once for the link. */
  async delivers(): Promise<void> {
    this.#delivers ??= this.#try()
    try {
      await this.#delivers
    } catch (error) {
      this.#delivers = undefined
      throw error
    }
  }

  async #try(): Promise<void> {
    const { connection, instance } = this.#control
    if (connection === undefined) throw this.#control.reason
    if (!connection.facts.sharedAvailable) throw unsupported('it says that it has no shared subscriptions')
    const { clientId, notesTopic } = this.#options
    const topic = `${notesTopic}/probes/${instance}`
    const arrived = Promise.withResolvers<true>()
    const filter = `$share/${clientId}-probe/${topic}`
    const leave = await this.#control.subscribeAs(filter, topic, () => arrived.resolve(true))
    const waiting = new AbortController()
    try {
      connection.publish({ topic, payload: 'probe', qos: 1, retain: false }, () => undefined)
      const came = await Promise.race([arrived.promise, pauseFor(arrivalMs, this.#services.clock, waiting.signal)])
      if (came !== true) throw unsupported(`it grants shared subscriptions and delivers nothing to them within ${arrivalMs} ms`)
    } finally {
      waiting.abort()
      await leave()
    }
  }
}

function unsupported(why: string): Error {
  return mqttError(
    'ERR_UNSUPPORTED',
    `Queues need shared subscriptions, and the broker is without: ${why}. Route queues to a driver that has them, or set members: 1 in the route's options for a queue with one consumer at a time.`,
  )
}
