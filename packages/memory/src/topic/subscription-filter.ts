import {
  compileFilter,
  compileHeaderFilter,
  type AddressParameters,
  type AddressTemplate,
  type EndpointSubscription,
  type Headers,
  type Incoming,
} from '@busbar/core/driver'

/** The filters of a subscription, as the broker applies them. */
export class SubscriptionFilter {
  readonly #body: ((body: unknown) => boolean) | undefined
  readonly #headers: ((headers: Headers) => boolean) | undefined
  readonly #template: AddressTemplate | undefined
  readonly #fixed: readonly (readonly [string, string])[]

  /** Throws `ERR_CONFIGURATION` for filters that no backend takes. */
  constructor({ filter, headerFilter, parameters = {} }: Omit<EndpointSubscription, 'name'>, template?: AddressTemplate) {
    this.#template = template
    this.#fixed = Object.entries(parameters)
    this.#body = filter === undefined ? undefined : compileFilter(filter)
    this.#headers = headerFilter === undefined ? undefined : compileHeaderFilter(headerFilter)
  }

  /** What stands in the place of the parameters; `undefined` for an address that the subscription does not take. */
  parametersIn(address: string): AddressParameters | undefined {
    const found = this.#template?.match(address)
    return found !== undefined && this.#fixed.every(([parameter, value]) => found[parameter] === value) ? found : undefined
  }

  /** `body`: the body as JSON, asked for only if it matters. */
  wants(incoming: Incoming, body: () => unknown = parsedOnce(incoming)): boolean {
    return (this.#headers === undefined || this.#headers(incoming.headers)) && (this.#body === undefined || this.#body(body()))
  }
}

/** The body as JSON, parsed at most once however many filters look at it; `undefined` if it is not JSON, which no filter matches. */
export function parsedOnce(incoming: Incoming): () => unknown {
  let parsed: { readonly value: unknown } | undefined
  return () => (parsed ??= { value: parse(incoming) }).value
}

function parse({ body }: Incoming): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch {
    return undefined
  }
}
