import { isLoopback, suggestion, type BrokerError } from '@busbar/core/driver'

/** Checks of the options of one driver for a service of AWS. Each throws `ERR_CONFIGURATION` that names the option and what it allows. */
export class OptionChecks {
  readonly #driver: string
  readonly #fail: (message: string) => BrokerError

  /** `driver` begins the texts; `fail` makes the errors. */
  constructor(driver: string, fail: (message: string) => BrokerError) {
    this.#driver = driver
    this.#fail = fail
  }

  /** Throws for the first key that is not known, with the nearest one. */
  readonly known = (what: string, options: unknown, names: readonly string[]): void => {
    if (typeof options !== 'object' || options === null || Array.isArray(options)) throw this.#fail(`${what}: an object of options is needed`)
    for (const name of Object.keys(options)) {
      if (!names.includes(name)) throw this.#fail(`${what}: unknown option '${name.slice(0, 64)}'${suggestion(name, names)}`)
    }
  }

  readonly integer = (name: string, value: unknown, fallback: number, min: number, max: number): number => {
    if (value === undefined) return fallback
    if (Number.isInteger(value) && (value as number) >= min && (value as number) <= max) return value as number
    throw this.refused(name, `must be a whole number from ${min} to ${max}`)
  }

  /** Durations that the service takes in whole seconds. */
  readonly wholeSeconds = (name: string, value: unknown, fallback: number, min: number, max: number): number => {
    const ms = this.integer(name, value, fallback, min, max)
    if (ms % 1_000 === 0) return ms
    throw this.refused(name, 'must be a multiple of 1,000, since SQS counts in seconds')
  }

  readonly boolean = (name: string, value: unknown, fallback: boolean): boolean => {
    if (value === undefined) return fallback
    if (typeof value === 'boolean') return value
    throw this.refused(name, 'must be true or false')
  }

  readonly text = (name: string, value: unknown): string | undefined => {
    if (value === undefined) return undefined
    if (typeof value === 'string' && value !== '' && value.length <= 2_048) return value
    throw this.refused(name, 'must be a text of 1 to 2,048 characters')
  }

  region(value: unknown): string | undefined {
    const region = this.text('region', value)
    if (region === undefined || /^[a-z0-9-]{1,64}$/.test(region)) return region
    throw this.refused('region', 'must be the name of a region, such as eu-central-1')
  }

  /** Messages go in clear text to this machine only, unless that is asked for. */
  endpoint(name: string, value: unknown, allowPlaintext: boolean): string | undefined {
    const text = this.text(name, value)
    if (text === undefined) return undefined
    const url = URL.parse(text)
    if (url === null || !['http:', 'https:'].includes(url.protocol)) throw this.refused(name, `must be a URL, such as https://${this.#driver}.example.com`)
    if (url.username !== '' || url.password !== '') throw this.refused(name, 'must hold no credentials')
    if (url.protocol === 'http:' && !allowPlaintext && !isLoopback(url.hostname))
      throw this.#fail(`${this.#driver}: http to ${url.hostname} would send messages in clear text; use https, or set allowPlaintext: true`)
    return url.href
  }

  /** Options in a URL whose host is the region; the parameters `numbers`, `allowPlaintext` and `texts` are named as the options. Throws without secrets. */
  fromUrl(url: URL, numbers: readonly string[], texts: readonly string[]): Record<string, unknown> {
    const driver = this.#driver
    if (url.username !== '' || url.password !== '') throw this.#fail(`${driver} URL: credentials don't belong in a URL; the SDK finds them in the environment`)
    if (url.port !== '' || !['', '/'].includes(url.pathname))
      throw this.#fail(`${driver} URL: ${driver}://region?option=value is the form; queues and topics are named by routes`)
    const known = [...numbers, ...texts, 'allowPlaintext']
    const options: Record<string, unknown> = url.hostname === '' ? {} : { region: url.hostname }
    for (const [name, text] of url.searchParams) {
      if (!known.includes(name)) throw this.#fail(`${driver} URL: unknown parameter '${name.slice(0, 64)}'${suggestion(name, known)}`)
      if (numbers.includes(name)) options[name] = Number(text)
      else if (name === 'allowPlaintext') options[name] = text === 'true' || text === '' ? true : text === 'false' ? false : text
      else options[name] = text
    }
    return options
  }

  /** A configuration object or file can hold neither clients nor functions. */
  withoutCode(options: Readonly<Record<string, unknown>>, names: readonly string[]): Readonly<Record<string, unknown>> {
    const code = names.find((name) => options[name] !== undefined)
    if (code !== undefined) throw this.refused(code, 'is for code only; the SDK finds credentials in the environment')
    return options
  }

  /** The error for an option. */
  refused(name: string, problem: string): BrokerError {
    return this.#fail(`${this.#driver}: option '${name}' ${problem}`)
  }
}
