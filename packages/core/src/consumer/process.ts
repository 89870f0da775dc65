import type { Codec } from '../codec/codec.ts'
import type { MaybePromise } from '../driver/fenced-store.ts'
import type { Headers } from '../driver/sender.ts'
import { BrokerError } from '../errors.ts'
import type { ProcessChain } from '../middleware/compose.ts'
import type { ProcessChains } from '../middleware/process-chains.ts'
import type { ProcessContext } from '../middleware/types.ts'
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
  /** `undefined` without middleware. */
  readonly chains: ProcessChains | undefined
  readonly handler: (run: Run) => MaybePromise<unknown>
  /** Follows the success of the whole chain, with its value: sends the reply. */
  readonly after: ((run: Run, value: unknown) => Promise<void>) | undefined
  readonly telemetry: Telemetry
}

const none: ProcessChain = (context, handler) => handler(context)

/** Middleware, decoding, filter, validation and handler as one function of a run; synchronous as long as all of them are. */
export function createProcessor({ chains, after, ...options }: ProcessorOptions): (run: Run) => MaybePromise<unknown> {
  const decoding = createDecoder(options, chains?.inner ?? none)
  const outer = chains?.outer
  const process = outer ? (run: Run): MaybePromise<unknown> => outer(run, decoding as (context: ProcessContext) => MaybePromise<unknown>) : decoding
  if (!after) return process
  return async (run) => {
    const value = await process(run)
    // What goes back or is given up has no reply yet, or none at all.
    if (!(value instanceof Directive) && (run.settled ?? 'ack') === 'ack') await after(run, value)
    return value
  }
}

function createDecoder(
  { codec, schema, matches, onFiltered, handler, telemetry }: Omit<ProcessorOptions, 'chains' | 'after'>,
  chain: ProcessChain,
): (run: Run) => MaybePromise<unknown> {
  // Lost, or at the end of its drain, while middleware waited: it has not begun.
  const callHandler = (context: unknown): MaybePromise<unknown> =>
    (context as Run).aborted ? new Directive('retry', { counts: false }) : promised(handler(context as Run))
  const start = (run: Run, body: unknown): MaybePromise<unknown> => {
    run.body = body
    return telemetry.process ? telemetry.process({ source: run.source, message: run.message }, () => chain(run, callHandler)) : chain(run, callHandler)
  }
  return (run) => {
    const missing = unread(run.incoming.headers)
    if (missing !== undefined) return undecodable(`no middleware of this consumer has read the header ${missing}`, 'the body is not what was sent')
    let body: unknown
    try {
      body = codec.decode(run.incoming.body)
    } catch (error) {
      return undecodable('the body cannot be decoded', error)
    }
    if (matches && !matches(body, run)) {
      onFiltered()
      return undefined
    }
    if (!schema) return start(run, body)
    let output: MaybePromise<unknown>
    try {
      output = validate(schema, body)
    } catch (error) {
      return undecodable('the body is not what the schema asks for', error)
    }
    if (!(output instanceof Promise)) return start(run, output)
    return output.then(
      (value) => start(run, value),
      (error: unknown) => undecodable('the body is not what the schema asks for', error),
    )
  }
}

/** A header of ours that says what was done to the body: what still has one is a reference or a cipher, and no handler must take it for its body. */
function unread(headers: Headers): string | undefined {
  for (const name in headers) if (name.startsWith('busbar-') && name !== 'busbar-dead') return name
  return undefined
}

/** It would fail for ever: no retry. */
function undecodable(reason: string, cause: unknown): Directive {
  const detail = cause instanceof Error ? cause.message : String(cause)
  return new Directive('dead-letter', { reason, error: new BrokerError('ERR_UNDECODABLE', `${reason}: ${detail}`, { cause }) })
}
