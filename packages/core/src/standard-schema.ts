/**
 * The Standard Schema interface, version 1, as its authors publish it for copying: implemented by zod, valibot, arktype and others.
 * Only what Busbar calls is here.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type SchemaResult<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

export type SchemaInput<S> = S extends { readonly '~standard': { readonly types?: { readonly input: infer Input } | undefined } } ? Input : never
export type SchemaOutput<S> = S extends { readonly '~standard': { readonly types?: { readonly output: infer Output } | undefined } } ? Output : never
