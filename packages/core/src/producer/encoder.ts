import { bodyBytes } from '../codec/body.ts'
import type { Codec } from '../codec/codec.ts'
import { encodeJson, json } from '../codec/json.ts'
import type { AnyDestination } from '../definitions/types.ts'
import type { MaybePromise } from '../driver/fenced-store.ts'
import type { Body, Headers, Outgoing } from '../driver/sender.ts'
import { BrokerError } from '../errors.ts'
import { checkedHeaders } from '../headers.ts'
import { checkedIdentity } from '../ids.ts'
import { survey } from '../json-view.ts'
import type { Telemetry } from '../telemetry.ts'
import { validate } from '../validate.ts'
import type { SendOptions } from './types.ts'

export interface EncoderOptions {
  readonly destination: AnyDestination
  readonly now: () => number
  readonly freshId: () => string
  readonly telemetry: Telemetry
}

export interface Encoded {
  readonly outgoing: Outgoing
  /** Present if the schema validates asynchronously; rejects with `ERR_INVALID`. */
  readonly validation: Promise<unknown> | undefined
}

/** Turns bodies into outgoing messages: key, id and type from the JSON view, body through the codec, validation by the schema. */
export class Encoder {
  readonly #options: EncoderOptions
  readonly #codec: Codec
  readonly #needsView: boolean

  constructor(options: EncoderOptions) {
    this.#options = options
    const definition = options.destination.options
    this.#codec = (definition.codec ?? json) as Codec
    this.#needsView = !!(definition.orderingKey ?? definition.messageId ?? definition.deduplicationId) || typeof definition.type === 'function'
  }

  /**
   * Throws a `TypeError` for keys, ids, headers and bodies that no backend could carry, `ERR_INVALID` for bodies that the schema refuses and for whatever else
   * codec, schema and the functions of the definition throw.
   */
  encode(body: unknown, options: SendOptions): Encoded {
    try {
      return this.#encoded(body, options)
    } catch (error) {
      throw error instanceof TypeError ? error : asBrokerError(error, this.#options.destination.name)
    }
  }

  #encoded(body: unknown, options: SendOptions): Encoded {
    const { destination, now, freshId } = this.#options
    const definition = destination.options
    const headers = checkedHeaders(options.headers)
    const validation = destination.schema ? this.#validate(body) : undefined
    const { encoded, view } = this.#encode(body)
    const id =
      options.id !== undefined ? checkedIdentity('id', options.id) : definition.messageId ? checkedIdentity('messageId', definition.messageId(view)) : freshId()
    const outgoing: Outgoing = {
      id,
      body: encoded,
      bodyBytes: bodyBytes(encoded),
      headers: this.#withTelemetry(id, headers),
      type: typeof definition.type === 'function' ? checkedIdentity('type', definition.type(view)) : definition.type,
      contentType: this.#codec.contentType,
      timestamp: now(),
      key: definition.orderingKey ? checkedIdentity('orderingKey', definition.orderingKey(view)) : undefined,
      attempt: 0,
      deduplicationId: definition.deduplicationId ? checkedIdentity('deduplicationId', definition.deduplicationId(view)) : undefined,
      delayMs: options.delayMs || undefined,
      timeToLiveMs: options.timeToLiveMs,
      priority: options.priority,
      correlationId: undefined,
      replyTo: undefined,
      copyOf: undefined,
    }
    return { outgoing, validation }
  }

  /** The view is what keys, ids and types are computed from; looked for only where there are such. */
  #encode(body: unknown): { readonly encoded: Body; readonly view: unknown } {
    const codec = this.#codec
    if (codec === json) {
      const { text, plain } = encodeJson(body)
      return { encoded: text, view: plain || !this.#needsView ? body : JSON.parse(text) }
    }
    const encoded = codec.encode(body)
    return { encoded, view: codec.json && this.#needsView && survey(body) !== 'plain' ? JSON.parse(JSON.stringify(body)) : body }
  }

  #validate(body: unknown): Promise<unknown> | undefined {
    const result: MaybePromise<unknown> = validate(this.#options.destination.schema as never, body)
    if (!(result instanceof Promise)) return undefined
    // Nobody looks at it if encoding fails first.
    result.catch(() => undefined)
    return result
  }

  #withTelemetry(id: string, headers: Headers): Headers {
    const added = this.#options.telemetry.create?.({ destination: this.#options.destination.name, id, headers })
    return added ? ({ __proto__: null, ...headers, ...checkedHeaders(added) } as unknown as Headers) : headers
  }
}

/** Errors as a batch reports them, where everything is a `BrokerError`. */
export function asBrokerError(error: unknown, destination: string): BrokerError {
  if (error instanceof BrokerError) return error
  const aborted = error instanceof Error && error.name === 'AbortError'
  return new BrokerError(aborted ? 'ERR_TIMEOUT' : 'ERR_INVALID', error instanceof Error ? error.message : String(error), { destination, cause: error })
}
