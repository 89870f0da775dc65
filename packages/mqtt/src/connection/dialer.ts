import type { Services } from '@busbar/core/driver'
import { configuration } from '../errors.ts'
import type { ResolvedOptions } from '../options.ts'
import { Connection, type ConnectionRequest } from './connection.ts'

/** Opens connections, trying the addresses in turn. All connections of a link begin with the address that worked last: of an active and a standby broker one answers. */
export class Dialer {
  readonly #options: ResolvedOptions
  readonly #services: Services
  #next = 0

  constructor(options: ResolvedOptions, services: Services) {
    this.#options = options
    this.#services = services
  }

  /** One attempt per address; the first that answers wins. Throws the last error. */
  async dial(request: ConnectionRequest, signal: AbortSignal): Promise<Connection> {
    const { addresses } = this.#options
    let last: unknown
    for (let tried = 0; tried < addresses.length; tried++) {
      const at = this.#next
      const address = addresses[at % addresses.length]
      if (address === undefined) throw configuration('mqtt: there is no address to connect to')
      try {
        return await Connection.open(address, request, this.#options, this.#services, signal)
      } catch (error) {
        signal.throwIfAborted()
        last = error
        // Several connections may find out at once.
        if (this.#next === at) this.#next++
      }
    }
    throw last
  }
}
