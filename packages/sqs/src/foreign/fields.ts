import { bodyText, type Body } from '@busbar/core/driver'
import { sqsError } from '../errors.ts'

type Values = Readonly<Record<string, unknown>>

/** A JSON object from outside. Every field is checked when it is read; the first that is not as it has to be is an `ERR_UNDECODABLE` with its name, and nothing of its value. */
export class Fields {
  readonly #what: string
  readonly #path: string
  readonly #values: Values

  private constructor(what: string, path: string, values: Values) {
    this.#what = what
    this.#path = path
    this.#values = values
  }

  /** `body`: JSON as text or UTF-8 bytes, or what it was decoded to. `what`: for texts, such as `an S3 event`. */
  static of(body: unknown, what: string): Fields {
    const value = isBody(body) ? parsed(textIn(body, what), what) : body
    if (!isObject(value)) throw notA(what, 'it is no JSON object')
    return new Fields(what, '', value)
  }

  text(name: string): string {
    return this.optionalText(name) ?? this.#fail(name, 'is missing')
  }

  /** `null` is as good as none. */
  optionalText(name: string): string | undefined {
    const value = this.#value(name)
    return value === undefined || typeof value === 'string' ? value : this.#fail(name, 'must be a text')
  }

  /** Epoch milliseconds of an ISO 8601 text. */
  instant(name: string): number {
    const text = this.text(name)
    const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN
    return Number.isNaN(at) ? this.#fail(name, 'must be a date and time of ISO 8601') : at
  }

  optionalCount(name: string): number | undefined {
    const value = this.#value(name)
    if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0)) return value as number | undefined
    return this.#fail(name, 'must be a whole number')
  }

  fields(name: string): Fields {
    return this.optionalFields(name) ?? this.#fail(name, 'is missing')
  }

  optionalFields(name: string): Fields | undefined {
    const value = this.#value(name)
    if (value === undefined) return undefined
    return isObject(value) ? this.#within(name, value) : this.#fail(name, 'must be an object')
  }

  list(name: string): Fields[] {
    const value = this.#value(name)
    if (!Array.isArray(value)) return this.#fail(name, 'must be a list')
    return value.map((item: unknown, index) =>
      isObject(item) ? this.#within(`${name}[${index}]`, item) : this.#fail(`${name}[${index}]`, 'must be an object'),
    )
  }

  textList(name: string): string[] {
    const value = this.#value(name)
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value
    return this.#fail(name, 'must be a list of texts')
  }

  /** Names and texts in an object without a prototype, which is empty if there are none. */
  texts(name: string): Record<string, string> {
    const texts = Object.create(null) as Record<string, string>
    const fields = this.optionalFields(name)
    for (const key of fields?.names() ?? []) texts[key] = fields?.text(key) ?? ''
    return texts
  }

  flag(name: string): boolean {
    const value = this.#value(name)
    return value === undefined || typeof value === 'boolean' ? value === true : this.#fail(name, 'must be true or false')
  }

  has(name: string): boolean {
    return this.#value(name) !== undefined
  }

  names(): string[] {
    return Object.keys(this.#values)
  }

  /** As it came. */
  get values(): Values {
    return this.#values
  }

  fail(name: string, problem: string): never {
    return this.#fail(name, problem)
  }

  #value(name: string): unknown {
    return Object.hasOwn(this.#values, name) ? (this.#values[name] ?? undefined) : undefined
  }

  #within(name: string, values: Values): Fields {
    return new Fields(this.#what, `${this.#path}${shown(name)}.`, values)
  }

  #fail(name: string, problem: string): never {
    throw notA(this.#what, `'${this.#path}${shown(name)}' ${problem}`)
  }
}

export function isBody(body: unknown): body is Body {
  return typeof body === 'string' || body instanceof Uint8Array
}

/** Throws `ERR_UNDECODABLE` for bytes that are not UTF-8. */
export function textIn(body: Body, what: string): string {
  try {
    return bodyText(body)
  } catch {
    throw notA(what, 'it is no UTF-8')
  }
}

export function notA(what: string, why: string): Error {
  return sqsError('ERR_UNDECODABLE', `The body is not ${what}: ${why}.`)
}

/** Names come from outside too. */
function shown(name: string): string {
  return name.slice(0, 64).replaceAll(/[^ -~]/g, '?')
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw notA(what, 'it is no JSON')
  }
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}
