/** The little of Standard Schema that the suite's own schema implements. */
export interface StandardSchema<T> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<T>
    readonly types?: { readonly input: T; readonly output: T } | undefined
  }
}

export type SchemaResult<T> = { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly { readonly message: string }[] }
