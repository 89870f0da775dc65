import { randomUUID } from 'node:crypto'
import {
  hasParts,
  type OperationSchema,
  type SdkClient,
  type SdkCommand,
  type SdkContext,
  type SdkParts,
  type SdkRequest,
  type SdkResponse,
  type SdkSigner,
  type SdkStack,
  type SdkStep,
} from './sdk-parts.ts'

export interface ShortPathOptions {
  /** Why a call must not leave any more, whichever way it goes. `request`: signed. */
  readonly refusal: (input: object, request: SdkRequest) => Error | undefined
  /** `false`: all calls go through all steps. */
  readonly allowed: boolean
}

/** What the first call of a command has found out for all. */
interface Known {
  readonly operation: object
  readonly headers: Readonly<Record<string, string>>
  /** For the protocol: the configuration of the client, and where the first request went. */
  readonly serde: object
  readonly signer: SdkSigner
  readonly signingProperties: object
}

/** What the SDK says in every request of a client, or anew in each, as this does. A header of anybody else, such as one for tracing, may be another one each time. */
const knownHeaders = new Set(['content-length', 'content-type', 'host', 'user-agent', 'x-amz-target', 'x-amz-user-agent', 'x-amzn-query-mode'])

/**
 * Sends commands of a client that is ours by the client's own parts: its protocol writes and reads, its signer signs, its handler sends. The first call of each command goes
 * through all steps of the SDK, some twenty, which take a third of the time of a call and find out what is the same each time: where requests go, which headers they have,
 * how they are signed. Later calls are made after the first.
 */
export class ShortPath {
  readonly #client: SdkClient
  readonly #parts: SdkParts
  readonly #options: ShortPathOptions
  /** By the schemas of commands. */
  readonly #known: Map<object, Known> = new Map()
  /** Schemas of commands that were sent and are not known, yet or at all. */
  readonly #unknown: Set<object> = new Set()

  /** Before the client's first call. */
  constructor(client: SdkClient, options: ShortPathOptions) {
    this.#client = client
    this.#parts = client.config as SdkParts
    this.#options = options
    const guard = (next: SdkStep): SdkStep => {
      return (args) => {
        const refused = options.refusal(args.input, args.request)
        return refused === undefined ? next(args) : Promise.reject(refused)
      }
    }
    const learn = (next: SdkStep, context: SdkContext): SdkStep => {
      return (args) => {
        this.#learn(context, args.request)
        return next(args)
      }
    }
    const stack = client.middlewareStack as SdkStack
    // Of the last step, when it has been signed.
    stack.add(guard, { step: 'deserialize', priority: 'low', name: 'busbarGuard' })
    if (options.allowed && !isInLambda() && !isWrapped(client.send)) stack.add(learn, { step: 'build', priority: 'low', name: 'busbarShortPath' })
  }

  /** `check`: what a step of the SDK looks for in the answer, if one does; throws. */
  async send<Output>(command: SdkCommand, check?: (output: Output) => void): Promise<Output> {
    const { input, schema } = command
    const known = schema && this.#known.get(schema)
    if (known === undefined) {
      if (schema !== undefined) this.#unknown.add(schema)
      return (await this.#client.send(command as never)) as Output
    }
    const output = (await this.#send(known, input)) as Output
    check?.(output)
    return output
  }

  #learn({ __smithy_context: { operationSchema: schema, selectedHttpAuthScheme: scheme } = {} }: SdkContext, request: SdkRequest): void {
    if (!Array.isArray(schema) || !this.#unknown.has(schema) || scheme === undefined || !hasParts(this.#parts, scheme)) return
    if (Object.keys(request.headers).some((name) => !knownHeaders.has(name))) return
    this.#unknown.delete(schema)
    const [, namespace, name, traits, input, output] = schema as readonly unknown[] as OperationSchema
    const { protocol, hostname, port, path, query } = request
    const { httpAuthOption, signer } = scheme
    const { context, ...properties } = httpAuthOption.signingProperties
    this.#known.set(schema, {
      operation: { namespace, name, traits, input, output },
      headers: { ...request.headers },
      serde: { ...this.#parts, endpoint: async () => ({ protocol, hostname, port, path, query }) },
      signer,
      // What else is in it would keep the first messages as long as the client.
      signingProperties: { ...properties, context: { ...context, __smithy_context: undefined } },
    })
  }

  async #send({ operation, headers, serde, signer, signingProperties }: Known, input: object): Promise<object> {
    const { protocol, requestHandler } = this.#parts
    const request = await protocol.serializeRequest(operation, input, serde)
    const own = { 'content-length': String(Buffer.byteLength(request.body)), 'amz-sdk-invocation-id': randomUUID(), 'amz-sdk-request': 'attempt=1; max=1' }
    request.headers = { ...headers, ...own }
    const properties = { ...signingProperties }
    const signed = await signer.sign(request, await this.#parts.credentials(), properties)
    const refused = this.#options.refusal(input, signed)
    if (refused !== undefined) throw refused
    try {
      const { response } = await requestHandler.handle(signed)
      const output = await this.#read(operation, serde, response)
      signer.successHandler(response, properties)
      return output
    } catch (error) {
      return signer.errorHandler(properties)(error)
    }
  }

  async #read(operation: object, serde: object, response: SdkResponse): Promise<object> {
    try {
      return await this.#parts.protocol.deserializeResponse(operation, serde, response)
    } catch (error) {
      // The signer looks there for the service's time, and who maps errors for the status.
      const { statusCode: httpStatusCode, headers } = response
      Object.defineProperty(error, '$response', { value: response, enumerable: false, configurable: true })
      ;(error as { $metadata?: object }).$metadata ??= { httpStatusCode, requestId: headers['x-amzn-requestid'] }
      throw error
    }
  }
}

/** By instrumentation, which is to see all calls. */
function isWrapped(send: SdkClient['send']): boolean {
  return '__wrapped' in send
}

/** There each call has the trace of the invocation. */
function isInLambda(): boolean {
  // oxlint-disable-next-line node/no-process-env -- it is by this variable that the SDK knows.
  return process.env['AWS_LAMBDA_FUNCTION_NAME'] !== undefined
}
