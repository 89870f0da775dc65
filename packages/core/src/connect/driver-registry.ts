import type { Driver, DriverFactory } from '../driver/index.ts'
import { suggestion } from '../nearest.ts'
import { fail } from '../broker/check-options.ts'
import type { DriverConfiguration } from './types.ts'

const schemePattern = /^([a-z][a-z0-9+.-]*):/i

/** Makes drivers from configuration, among the factories given. Equal configurations share one driver, and with it one connection. */
export class DriverRegistry {
  readonly #byScheme: Map<string, DriverFactory> = new Map()
  readonly #byName: Map<string, DriverFactory> = new Map()
  readonly #made: Map<unknown, Driver> = new Map()

  /** Throws `ERR_CONFIGURATION` if two factories claim one scheme, `TypeError` for what is no factory. */
  constructor(factories: readonly DriverFactory[]) {
    if (!Array.isArray(factories) || factories.length === 0) throw new TypeError('connect: drivers must list at least one driver')
    for (const factory of factories as readonly DriverFactory[]) {
      if (typeof factory !== 'function' || !Array.isArray(factory.schemes))
        throw new TypeError('connect: drivers must hold drivers themselves, such as memory, not what they return')
      for (const [index, scheme] of factory.schemes.entries()) {
        if (this.#byScheme.has(scheme)) fail(`connect: two drivers claim the scheme '${scheme}'; give only one of them`)
        this.#byScheme.set(scheme, factory)
        if (index === 0) this.#byName.set(scheme, factory)
      }
    }
  }

  /** `what` names the place in the configuration. Throws `ERR_CONFIGURATION`; values are not part of the text, since they may be secret. */
  driver(what: string, configuration: DriverConfiguration): Driver {
    const id = identityOf(configuration)
    const made = this.#made.get(id) ?? (typeof configuration === 'string' ? this.#fromText(what, configuration) : this.#fromObject(what, configuration))
    this.#made.set(id, made)
    return made
  }

  #fromText(what: string, text: string): Driver {
    const scheme = schemePattern.exec(text)?.[1]?.toLowerCase()
    if (scheme === undefined) return fail(`${what} must be a URL, such as '${this.#byScheme.has(text) ? text : [...this.#byScheme.keys()][0]}:'`)
    const factory = this.#byScheme.get(scheme)
    if (factory === undefined) return fail(`${what}: unknown scheme '${scheme.slice(0, 32)}'${this.#suggestion(scheme, this.#byScheme)}`)
    if (!URL.canParse(text)) fail(`${what} is not a valid URL`)
    return factory.fromUrl(new URL(text))
  }

  #fromObject(what: string, { name, ...options }: Exclude<DriverConfiguration, string>): Driver {
    const factory = this.#byName.get(name)
    if (factory === undefined) return fail(`${what}: unknown driver '${name.slice(0, 32)}'${this.#suggestion(name, this.#byName)}`)
    return factory.fromConfiguration(options)
  }

  /** What is no misspelling may be a driver that was not given. */
  #suggestion(word: string, known: ReadonlyMap<string, DriverFactory>): string {
    const text = suggestion(word, [...known.keys()])
    return text.includes('?') ? text : `${text}; give connect the driver of another one: { drivers: [${[...this.#byName.keys()].join(', ')}, …] }`
  }
}

/** Equal for equal configurations; an object that holds more than JSON (a function, a client, itself) is equal to itself only. */
function identityOf(configuration: DriverConfiguration): unknown {
  let isJson = true
  const inJson = (_key: string, value: unknown): unknown => {
    if (
      typeof value === 'function' ||
      typeof value === 'bigint' ||
      (typeof value === 'object' && value !== null && !Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype)
    )
      isJson = false
    return isJson ? value : undefined
  }
  try {
    const text = JSON.stringify(configuration, inJson)
    return isJson ? text : configuration
  } catch {
    // A cycle.
    return configuration
  }
}
