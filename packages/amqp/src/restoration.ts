import type { BrokerError, Endpoint, SendResult, Services } from '@busbar/core/driver'
import { Admin, type ConnectionSource } from './admin.ts'
import type { Connection } from './connection.ts'
import { amqpError } from './errors.ts'
import { makeMissing } from './make-missing.ts'
import { queueName } from './names.ts'
import type { ResolvedOptions } from './options.ts'
import { resourcesOf } from './resources.ts'

/** Nothing was missing: it is not looked for again so soon, however many messages cannot be routed. */
const quietMs = 1_000
/** A reconnect waits for some sixty questions, of which a channel answers one at a time. */
const channels = 6

/**
 * Makes again what was provisioned on this link and is gone: after a reconnect, and when something is not found. What was only checked is never remembered
 * here, and so never made. What another program has changed meanwhile (a filter, the number of partitions) is left as it is.
 */
export class Restoration {
  readonly #options: ResolvedOptions
  readonly #source: ConnectionSource
  readonly #services: Services
  readonly #endpoints: Map<string, Endpoint> = new Map()
  #generation = 0
  #running: Promise<boolean> | undefined
  #quietUntil = -Infinity

  constructor(options: ResolvedOptions, source: ConnectionSource, services: Services) {
    this.#options = options
    this.#source = source
    this.#services = services
  }

  /** Whether there is anything that would be made again. */
  get active(): boolean {
    return this.#endpoints.size > 0
  }

  /** Rises whenever something was made again. */
  get generation(): number {
    return this.#generation
  }

  remember(endpoints: readonly Endpoint[]): void {
    for (const endpoint of endpoints) this.#endpoints.set(`${endpoint.kind} ${queueName(endpoint)} ${endpoint.subscription?.name ?? ''}`, endpoint)
    this.#quietUntil = -Infinity
  }

  /** For a new connection before anybody uses it. Throws if that is lost meanwhile. */
  readonly onReconnected = async (connection: Connection): Promise<void> => {
    if (!this.active) return
    const reason = amqpError('ERR_UNAVAILABLE', `The connection to ${connection.label} was lost.`)
    while (!connection.lost) {
      const shared = this.#running
      // That of the other connection, if it comes to an end.
      if (shared === undefined) return void (await this.#run({ connection, reason }))
      if (await shared.catch(() => false)) return
    }
    throw reason
  }

  /** Something was not found. True if it has been made again, now or since `generation`. Never throws. */
  async recreate(generation: number): Promise<boolean> {
    if (!this.active) return false
    if (generation !== this.#generation) return true
    if (this.#services.clock.monotonic() < this.#quietUntil) return false
    await (this.#running ?? this.#run(this.#source)).catch(() => undefined)
    if (generation !== this.#generation) return true
    this.#quietUntil = this.#services.clock.monotonic() + quietMs
    return false
  }

  #run(source: ConnectionSource): Promise<boolean> {
    const running = this.#restore(source).finally(() => (this.#running = undefined))
    this.#running = running
    return running
  }

  /** False if it was kept from it by the broker; throws if the connection was lost. */
  async #restore(source: ConnectionSource): Promise<boolean> {
    const { connection } = source
    const open = (): Admin => new Admin(source, this.#services, this.#options.timeoutMs)
    const admins: [Admin, ...Admin[]] = [open(), ...Array.from({ length: channels - 1 }, open)]
    try {
      const made = await makeMissing(resourcesOf([...this.#endpoints.values()], this.#options), admins)
      if (made.length > 0) this.#generation++
      if (made.length > 0) this.#services.log('warn', 'topology:restored', { made })
      return true
    } catch (error) {
      this.#services.log('warn', 'topology:not-restored', { error: (error as BrokerError).message })
      if (connection === undefined || connection.lost) throw error
      return false
    } finally {
      await Promise.all(admins.map((admin) => admin.close()))
    }
  }
}

/** Sends; where a queue or an exchange was gone and has been made again, the failures are retryable. */
export async function sendRestoring(restoration: Restoration, send: () => Promise<readonly SendResult[]>): Promise<readonly SendResult[]> {
  const { generation } = restoration
  const results = await send()
  if (!restoration.active || !results.some(isGone) || !(await restoration.recreate(generation))) return results
  return results.map((result) => (isGone(result) ? { ...result, error: againPossible(result.error) } : result))
}

function isGone(result: SendResult): result is Extract<SendResult, { ok: false }> {
  return !result.ok && (result.error.code === 'ERR_UNROUTABLE' || result.error.code === 'ERR_NOT_FOUND')
}

function againPossible({ code, message, cause }: BrokerError): BrokerError {
  return amqpError(code, `${message} It has been made again.`, { retryable: true, cause })
}
