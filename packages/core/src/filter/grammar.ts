import type { JsonView } from '../json-view.ts'

type Scalar = string | number | boolean | null

/** One alternative of a condition: an exact value or one operator. */
export type FilterOperator<V extends Scalar = Scalar> =
  | V
  | { readonly exists: boolean }
  | { readonly 'anything-but': V | readonly V[] | (V extends string ? { readonly prefix: string } : never) }
  | (V extends string
      ? { readonly prefix: string } | { readonly suffix: string } | { readonly 'equals-ignore-case': string } | { readonly cidr: string }
      : never)
  | (V extends number ? { readonly numeric: NumericRange } : never)

/** `['=', n]`, one bound, or a lower and an upper bound. */
export type NumericRange =
  | readonly ['=' | '<' | '<=' | '>' | '>=', number]
  | readonly ['>' | '>=', number, '<' | '<=', number]

/** Untyped form: keys are ANDed, alternatives in a list are ORed, `$or` takes two or more policies. The grammar of SNS filter policies. */
export interface Filter {
  readonly [key: string]: readonly FilterOperator[] | Filter | readonly Filter[]
}

/** A filter on headers: one level, and every value is text. */
export interface HeaderFilter {
  readonly [name: string]: readonly FilterOperator<string>[]
}

type Leaf<T> = T extends readonly (infer E)[] ? Leaf<E> : Extract<T, Scalar>
type Nested<T> = T extends readonly (infer E)[] ? Nested<E> : T extends object ? T : never

type ConditionOn<V> = ([Leaf<NonNullable<V>>] extends [never] ? never : readonly FilterOperator<Leaf<V>>[]) | ([Nested<V>] extends [never] ? never : FilterOnView<Nested<V>>)

type FilterOnView<V> = { readonly [K in keyof V]?: ConditionOn<V[K]> } & { readonly $or?: readonly FilterOnView<V>[] }

/** A filter typed against the JSON view of a body. */
export type FilterOn<Body> = unknown extends Body ? Filter : FilterOnView<JsonView<Body>>
