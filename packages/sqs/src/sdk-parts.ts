// What a client of the SDK is made of, as far as the short path uses it. Types of the SDK name these parts for a single protocol or a single command, or not at all.

/** A client as it is given. */
export interface SdkClient {
  /** See {@link SdkParts}. */
  readonly config: unknown
  /** See {@link SdkStack}. */
  readonly middlewareStack: unknown
  readonly send: (command: never) => Promise<unknown>
}

/** A command of the SDK. */
export interface SdkCommand {
  readonly input: object
  /** {@link OperationSchema}. */
  readonly schema?: object | undefined
}

/** Kind, namespace, name, traits, input and output. */
export type OperationSchema = readonly [number, string, string, unknown, unknown, unknown]

export interface SdkRequest {
  protocol: string
  hostname: string
  port?: number
  path: string
  query?: object
  headers: Record<string, string>
  body: string | Uint8Array
}

export interface SdkResponse {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>
}

/** Of the client's configuration. */
export interface SdkParts {
  readonly protocol: {
    serializeRequest(operation: object, input: object, serde: object): Promise<SdkRequest>
    deserializeResponse(operation: object, serde: object, response: SdkResponse): Promise<object>
  }
  readonly requestHandler: { handle(request: SdkRequest): Promise<{ readonly response: SdkResponse }> }
  credentials(): Promise<object>
  /** Of SQS: the URL of a queue says where its requests go. */
  readonly useQueueUrlAsEndpoint?: boolean
}

export interface SdkSigner {
  /** Notes in `properties` when it has signed. */
  sign(request: SdkRequest, identity: object, properties: object): Promise<SdkRequest>
  /** Corrects the clock that it signs by. Throws the error. */
  errorHandler(properties: object): (error: unknown) => never
  /** The same of an answer. */
  successHandler(response: SdkResponse, properties: object): void
}

/** How requests of an operation are signed. */
export interface SigningScheme {
  readonly httpAuthOption: { readonly schemeId: string; readonly signingProperties: { readonly context?: object } }
  readonly signer: SdkSigner
}

export type SdkStep = (args: SdkStepArgs) => Promise<unknown>

export interface SdkStepArgs {
  readonly input: object
  readonly request: SdkRequest
}

/** What the steps of one call tell each other. */
export interface SdkContext {
  readonly __smithy_context?: { readonly operationSchema?: object; readonly selectedHttpAuthScheme?: SigningScheme }
}

export interface SdkStack {
  add(step: (next: SdkStep, context: SdkContext) => SdkStep, options: { step: 'build' | 'deserialize'; priority: 'low'; name: string }): void
}

/** Are these what they are in the releases that the short path was written for, and do all requests of a command go to one place? */
export function hasParts(
  { protocol, requestHandler, credentials, useQueueUrlAsEndpoint }: Partial<SdkParts>,
  { httpAuthOption, signer }: Partial<SigningScheme>,
): boolean {
  return (
    httpAuthOption?.schemeId === 'aws.auth#sigv4' &&
    httpAuthOption.signingProperties !== undefined &&
    useQueueUrlAsEndpoint !== true &&
    typeof protocol?.serializeRequest === 'function' &&
    typeof protocol.deserializeResponse === 'function' &&
    typeof requestHandler?.handle === 'function' &&
    typeof credentials === 'function' &&
    typeof signer?.sign === 'function' &&
    typeof signer.errorHandler === 'function' &&
    typeof signer.successHandler === 'function'
  )
}
