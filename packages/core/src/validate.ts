import type { MaybePromise } from './driver/fenced-store.ts'
import { lazy } from './lazy.ts'
import { promised } from './promised.ts'
import type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.ts'

/** What `schema` says about `value`: at once where it answers at once, else later. */
export function examine<Output>(schema: StandardSchema<unknown, Output>, value: unknown): MaybePromise<SchemaResult<Output>> {
  return promised(schema['~standard'].validate(value))
}

/** The output of `schema` for `value`: at once where the schema answers at once, else later. Rejects with `ERR_INVALID`, as {@link outputOf}. */
export function validate<Output>(schema: StandardSchema<unknown, Output>, value: unknown): MaybePromise<Output> {
  const result = examine(schema, value)
  return result instanceof Promise ? result.then((late) => outputOf(late, value)) : outputOf(result, value)
}

/** Rejects with `ERR_INVALID`, whose message names paths and complaints in at most 1,024 characters and does not repeat the values complained about. */
export function outputOf<Output>(result: SchemaResult<Output>, value: unknown): MaybePromise<Output> {
  return result.issues === undefined ? result.value : refuse(result.issues, value)
}

async function refuse(issues: readonly SchemaIssue[], value: unknown): Promise<never> {
  throw (await lazy.refusals()).invalidBody(issues, value)
}
