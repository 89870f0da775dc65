import type { Codec } from '../codec/codec.ts'
import type { MaybePromise } from '../driver/fenced-store.ts'
import { BrokerError } from '../errors.ts'
import type { ProcessChain } from '../middleware/compose.ts'
import { Directive } from '../outcome.ts'
import { promised } from '../promised.ts'
import type { StandardSchema } from '../standard-schema.ts'
import type { Telemetry } from '../telemetry.ts'
import { validate } from '../validate.ts'
import type { Run } from './run.ts'

export interface ProcessorOptions {
  readonly codec: Codec
  readonly schema: StandardSchema<unknown, unknown> | undefined
  /** Emulated filter: false means that the message is acked unhandled. */
  readonly matches: ((body: unknown, run: Run) => boolean) | undefined
  readonly onFiltered: () => void
  readonly chain: ProcessChain
  readonly handler: (run: Run) => MaybePromise<unknown>
  /** Follows the success of the whole chain, with its value: sends the reply. */
  readonly after: ((run: Run, value: unknown) => Promise<void>) | undefined
  readonly telemetry: Telemetry
}

/** Decoding, filter, validation, middleware and handler as one function of a run; synchronous as long as all of them are. */
export function createProcessor(options: ProcessorOptions): (run: Run) => MaybePromise<unknown> {
  const { codec, schema, matches, chain, telemetry } = options
  const callHandler = (context: unknown): MaybePromise<unknown> => promised(options.handler(context as Run))
  const begin = (run: Run): MaybePromise<unknown> => {
    return telemetry.process ? telemetry.process({ source: run.source, message: run.message }, () => chain(run, callHandler)) : chain(run, callHandler)
  }
  const { after } = options
  const start = after
    ? async (run: Run): Promise<unknown> => {
        const value = await begin(run)
        // What goes back or is given up has no reply yet, or none at all.
        if (!(value instanceof Directive) && (run.settled ?? 'ack') === 'ack') await after(run, value)
        return value
      }
    : begin
  const validated = (run: Run, body: unknown): MaybePromise<unknown> => {
    run.body = body
    return start(run)
  }
  return (run) => {
    let body: unknown
    try {
      body = codec.decode(run.incoming.body)
    } catch (error) {
      return undecodable('the body cannot be decoded', error)
    }
    if (matches && !matches(body, run)) {
      options.onFiltered()
      return undefined
    }
    if (!schema) return validated(run, body)
    let output: MaybePromise<unknown>
    try {
      output = validate(schema, body)
    } catch (error) {
      return undecodable('the body is not what the schema asks for', error)
    }
    if (!(output instanceof Promise)) return validated(run, output)
    return output.then(
      (value) => validated(run, value),
      (error: unknown) => undecodable('the body is not what the schema asks for', error),
    )
  }
}

/** It would fail for ever: no retry. */
function undecodable(reason: string, cause: unknown): Directive {
  const detail = cause instanceof Error ? cause.message : String(cause)
  return new Directive('dead-letter', { reason, error: new BrokerError('ERR_UNDECODABLE', `${reason}: ${detail}`, { cause }) })
}
