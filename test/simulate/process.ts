import type { Broker } from '@busbar/core'
import type { Driver } from '@busbar/core/driver'
import type { MemoryDriver } from '@busbar/memory'
import { heldBy, type MemoryLink } from './holdings.ts'
import type { History } from './history.ts'

/** Makes another driver out of the sound one: for simulations of broken drivers, which must be found out. */
export type Wrap = (driver: Driver) => Driver

/** One process of a simulated program: a broker of core, and its connections as the memory broker sees them. */
export class Process {
  readonly broker: Broker
  readonly #driver: MemoryDriver
  readonly #history: History
  readonly #links: MemoryLink[] = []
  /** Has a drain ended? Nothing may be started, or held, from then on. */
  #drained = false

  constructor(driver: MemoryDriver, history: History, start: (driver: Driver) => Broker, wrap: Wrap = (sound) => sound) {
    this.#driver = driver
    this.#history = history
    this.broker = start(
      wrap({
        name: driver.name,
        capabilities: (endpoint) => driver.capabilities(endpoint),
        address: (endpoint) => driver.address(endpoint),
        connect: async (services, signal) => this.#watched(await driver.connect(services, signal)),
      }),
    )
  }

  /** Drains the broker, and looks at what it leaves behind. */
  async drain(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    await this.broker.drain(options)
    this.#drained = true
    for (const link of this.#links) {
      this.#history.heldAfterDrain += heldBy(link, this.#driver)
      if (this.#driver.links.has(link)) this.#history.linksAfterDrain++
    }
  }

  /** Call it whenever a handler is started. */
  started(): void {
    if (this.#drained) this.#history.startedAfterDrain++
  }

  /** What is held when the link closes was not handed back: it comes again only when a lease ends, or as if the process had crashed. */
  #watched(link: MemoryLink): MemoryLink {
    this.#links.push(link)
    const close = link.close.bind(link)
    link.close = async () => {
      this.#history.heldAtClose += heldBy(link, this.#driver)
      await close()
    }
    return link
  }
}
