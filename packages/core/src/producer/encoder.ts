import type { Clock } from '../clock.ts'
import { bodyBytes } from '../codec/body.ts'
import type { Codec } from '../codec/codec.ts'
import { encodeJson, json } from '../codec/json.ts'
import type { TopicTemplate } from '../definitions/topic-template.ts'
import type { AnyDestination } from '../definitions/types.ts'
import type { Body, Headers, Outgoing } from '../driver/sender.ts'
import { BrokerError } from '../errors.ts'
import { checkedHeaders } from '../headers.ts'
import { checkedIdentity } from '../ids.ts'
import { survey } from '../json-view.ts'
import type { SchemaIssue } from '../standard-schema.ts'
import type { Telemetry } from '../telemetry.ts'
import { examine, outputOf } from '../validate.ts'
import type { SendOptions } from './types.ts'

/** What a producer may be given, parameters of an address too. */
type EncodeOptions = SendOptions & { readonly parameters?: unknown }

export interface EncoderOptions {
  readonly destination: AnyDestination
  readonly clock: Pick<Clock, 'now'>
  readonly freshId: () => string
  readonly telemetry: Telemetry
}

export interface Encoded {
  readonly outgoing: Outgoing
  /** Present if the schema validates asynchronously; rejects with `ERR_INVALID`. */
  readonly validation: Promise<unknown> | undefined
}

/** The schema has refused the body. */
export interface RefusedBody {
  readonly issues: readonly SchemaIssue[]
}

/** Turns bodies into outgoing messages: key, id and type from the JSON view, body through the codec, validation by the schema. */
export class Encoder {
  readonly #options: EncoderOptions
  readonly #codec: Codec
  readonly #needsView: boolean
  readonly #template: TopicTemplate | undefined

  constructor(options: EncoderOptions) {
    this.#options = options
    const definition = options.destination.options
    this.#codec = (definition.codec ?? json) as Codec
    this.#template = (options.destination as { readonly template?: TopicTemplate }).template
    this.#needsView =
      !!(definition.orderingKey ?? definition.messageId ?? definition.deduplicationId) || typeof definition.type === 'function' || !!this.#template?.computed
  }

  /**
   * Throws a `TypeError` for keys, ids, headers and bodies that no backend could carry, and `ERR_INVALID` for whatever else codec, schema and the functions of the
   * definition throw.
   */
  encode(body: unknown, options: EncodeOptions): Encoded | RefusedBody {
    try {
      return this.#encoded(body, options)
    } catch (error) {
      throw error instanceof TypeError ? error : asBrokerError(error, this.#options.destination.name)
    }
  }

  #encoded(body: unknown, options: EncodeOptions): Encoded | RefusedBody {
    const { destination, clock, freshId } = this.#options
    const definition = destination.options
    const headers = checkedHeaders(options.headers)
    const result = destination.schema && examine(destination.schema, body)
    if (result && 'issues' in result && result.issues) return { issues: result.issues }
    const validation = result instanceof Promise ? result.then((late) => outputOf(late, body)) : undefined
    // Nobody looks at it if encoding fails first.
    validation?.catch(() => undefined)
    const { encoded, view } = this.#encode(body)
    const id =
      options.id !== undefined ? checkedIdentity('id', options.id) : definition.messageId ? checkedIdentity('messageId', definition.messageId(view)) : freshId()
    const outgoing: Outgoing = {
      id,
      body: encoded,
      bodyBytes: bodyBytes(encoded),
      headers: this.#withTelemetry(id, headers),
      parameters: this.#template?.parametersOf(options.parameters, view),
      type: typeof definition.type === 'function' ? checkedIdentity('type', definition.type(view)) : definition.type,
      contentType: this.#codec.contentType,
      timestamp: clock.now(),
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
