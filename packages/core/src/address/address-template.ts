/** Values of the parameters in a topic's name, by the names of the parameters. */
export type AddressParameters = Readonly<Record<string, string>>

/** Whole levels in braces. */
const parameterPattern = /^\{(.+)\}$/
/** What would be a wildcard, another level, or no text of a protocol. */
const illegal = /[/+#\0]/

/** The name of a topic with parameters in it, `trucks/{truckId}/position`: levels are separated by `/`, and a parameter is a whole level. */
export class AddressTemplate {
  /** In the order of the name. */
  readonly parameters: readonly string[]
  readonly #levels: readonly string[]
  /** By level; `undefined` where it is fixed. */
  readonly #parameterAt: readonly (string | undefined)[]

  constructor(name: string) {
    this.#levels = name.split('/')
    this.#parameterAt = this.#levels.map((level) => parameterPattern.exec(level)?.[1])
    this.parameters = this.#parameterAt.filter((parameter) => parameter !== undefined)
  }

  /**
   * The address of one message. `undefined` if a value is missing, or holds `/`, `+`, `#`, NUL or half of a surrogate pair, and so could be another address than it
   * seems; values come from dead letters too, and so from outside.
   */
  filled(values: AddressParameters | undefined): string | undefined {
    let address: string | undefined
    for (const [index, level] of this.#levels.entries()) {
      const parameter = this.#parameterAt[index]
      const value = parameter === undefined ? level : values && Object.hasOwn(values, parameter) ? values[parameter] : undefined
      if (value === undefined || (parameter !== undefined && !isLevel(value))) return undefined
      address = address === undefined ? value : `${address}/${value}`
    }
    return address
  }

  /** What the parameters are in an address; `undefined` for one that this template does not make. */
  match(address: string): AddressParameters | undefined {
    const levels = address.split('/')
    if (levels.length !== this.#levels.length) return undefined
    const values = Object.create(null) as Record<string, string>
    for (const [index, level] of levels.entries()) {
      const parameter = this.#parameterAt[index]
      if (parameter !== undefined) values[parameter] = level
      else if (level !== this.#levels[index]) return undefined
    }
    return values
  }

  /** What to subscribe to: `wildcard` in the place of every parameter that is not fixed. */
  pattern(wildcard: string, fixed: AddressParameters = {}): string {
    const valueOf = (parameter: string): string => (Object.hasOwn(fixed, parameter) ? (fixed[parameter] as string) : wildcard)
    return this.#levels.map((level, index) => (this.#parameterAt[index] === undefined ? level : valueOf(this.#parameterAt[index]))).join('/')
  }
}

/** Is it one level, whatever a broker may think of it? */
export function isLevel(value: unknown): value is string {
  return typeof value === 'string' && !illegal.test(value) && value.isWellFormed()
}
