import { AddressTemplate, isLevel, type AddressParameters } from '../address/address-template.ts'
import { BrokerError } from '../errors.ts'
import { kindOf } from '../kind-of.ts'
import { assertKnownKeys } from '../nearest.ts'

/** What a broker asks of a topic whose name holds parameters. It comes with the definition, so that programs that use no topic do not bundle it. */
export interface TopicTemplate {
  /** Names of the parameters. */
  readonly parameters: readonly string[]
  /** A function of the definition makes them of the body. */
  readonly computed: boolean
  /** What an endpoint with this physical name is told. Throws `ERR_CONFIGURATION` unless it has the same parameters, each once and a whole level. */
  endpointOf(physicalName: string): { readonly parameters: readonly string[] }
  /** The name as a part of the names of queues: without braces, in one level, so that no address that the template makes is like it. */
  placeOf(physicalName: string): string
  /** The parameters of a message. `given`: by the send, in place of what the definition's function makes of the body. Throws `ERR_INVALID`. */
  parametersOf(given: unknown, view: unknown): AddressParameters
}

const levelPattern = /^(?:[A-Za-z0-9._-]{1,80}|\{[A-Za-z][A-Za-z0-9_]{0,79}\})$/
const longestName = 200

/** `undefined` for a name without braces. Throws `TypeError` for one that is no template. */
export function templateOf(name: unknown, compute: ((body: never) => AddressParameters | undefined) | undefined): TopicTemplate | undefined {
  if (typeof name !== 'string' || !/[{}]/.test(name)) return undefined
  const { parameters } = new AddressTemplate(name)
  const levels = name.split('/')
  const shown = name.slice(0, 100)
  if (name.length > longestName || !levels.every((level) => levelPattern.test(level)))
    throw new TypeError(
      `topic '${shown}': an address template has up to ${longestName} characters, in levels separated by '/': letters, digits, '.', '-' and '_', or a parameter such as {truckId}, which is a whole level`,
    )
  if (new Set(parameters).size < parameters.length) throw new TypeError(`topic '${shown}': a parameter is there twice; give each a name of its own`)
  if (parameters.length === levels.length)
    throw new TypeError(`topic '${shown}': one level at least must be no parameter, or it would be all topics of the broker`)
  return Object.freeze({
    parameters: Object.freeze(parameters),
    computed: compute !== undefined,
    endpointOf: (physicalName: string) => ({ parameters: sameParameters(name, parameters, physicalName) }),
    placeOf: (physicalName: string) => physicalName.replaceAll(/[{}]/g, '').replaceAll('/', '.'),
    parametersOf: (given: unknown, view: unknown) => checkedParameters(name, parameters, given === undefined ? compute?.(view as never) : given),
  })
}

/** Throws a `TypeError` for values that a subscription cannot fix. */
export function checkFixed(what: string, template: TopicTemplate | undefined, fixed: unknown): void {
  if (template === undefined) throw new TypeError(`${what}: its topic's name holds no parameters; define topic('trucks/{truckId}') for example`)
  if (typeof fixed !== 'object' || fixed === null) throw new TypeError(`${what}: parameters must be an object of texts, not ${kindOf(fixed)}`)
  assertKnownKeys(`${what}: parameters`, fixed, template.parameters)
  for (const [parameter, value] of Object.entries(fixed)) {
    const problem = problemOf(value)
    if (problem !== undefined) throw new TypeError(`${what}: parameter '${parameter}' ${problem}`)
  }
}

function sameParameters(name: string, parameters: readonly string[], physicalName: string): readonly string[] {
  const { parameters: there } = new AddressTemplate(physicalName)
  const whole = (physicalName.match(/[{}]/g)?.length ?? 0) === 2 * there.length && there.length < physicalName.split('/').length
  if (whole && there.length === parameters.length && parameters.every((parameter) => there.includes(parameter))) return there
  throw new BrokerError(
    'ERR_CONFIGURATION',
    `${name}: the physical name '${physicalName.slice(0, 100)}' must have the same parameters, each once and a whole level, beside one level at least that is none: ${parameters.map((parameter) => `{${parameter}}`).join(', ')}`,
    { destination: name },
  )
}

function checkedParameters(name: string, parameters: readonly string[], given: unknown): AddressParameters {
  const invalid = (text: string): BrokerError => new BrokerError('ERR_INVALID', `${name}: ${text}`, { destination: name })
  if (typeof given !== 'object' || given === null) {
    const wanted = `{ parameters: { ${parameters.join(', ')} } }`
    throw invalid(
      given === undefined
        ? `its address has no parameters: give them with the message, send(body, ${wanted}), or compute them, topic(name, { parameters: (body) => ({ ${parameters.join(', ')} }) })`
        : `parameters must be an object of texts, ${wanted}, not ${kindOf(given)}`,
    )
  }
  const unknown = Object.keys(given).find((key) => !parameters.includes(key))
  if (unknown !== undefined) throw invalid(`there is no parameter '${unknown.slice(0, 80)}'; there is ${parameters.join(', ')}`)
  const checked = Object.create(null) as Record<string, string>
  for (const parameter of parameters) {
    const value = Object.hasOwn(given, parameter) ? (given as Readonly<Record<string, unknown>>)[parameter] : undefined
    const problem = problemOf(value)
    if (problem !== undefined) throw invalid(`parameter '${parameter}' ${problem}`)
    checked[parameter] = value as string
  }
  return Object.freeze(checked)
}

/** Never with the value itself: it may be a secret, and errors are logged. */
function problemOf(value: unknown): string | undefined {
  if (value === undefined) return 'is missing'
  if (typeof value !== 'string') return `must be a text, not ${kindOf(value)}`
  if (value === '') return 'is empty'
  return isLevel(value) ? undefined : "holds '/', '+', '#', NUL or half of a surrogate pair, which could make it another address; encode it"
}
