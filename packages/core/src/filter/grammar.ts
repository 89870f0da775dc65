import type { JsonView } from '../json-view.ts'

/** What a filter compares: the leaves of a JSON document. */
export type Scalar = string | number | boolean | null

/** `['=', n]`, one bound, or a lower and an upper bound. Numbers from −10⁹ to 10⁹ with at most 5 decimals. */
export type NumericRange = readonly ['=' | '<' | '<=' | '>' | '>=', number] | readonly ['>' | '>=', number, '<' | '<=', number]

/** One alternative of a condition: an exact value or one operator. */
export type FilterOperator<V extends Scalar = Scalar> =
  | V
  | { readonly exists: boolean }
  | AnythingBut<V>
  | ([Extract<V, string>] extends [never] ? never : TextOperator)
  | ([Extract<V, number>] extends [never] ? never : { readonly numeric: NumericRange })

type TextOperator = { readonly prefix: string } | { readonly suffix: string } | { readonly 'equals-ignore-case': string } | { readonly cidr: string }

/** A list holds texts only or numbers only. A missing or null value never matches. */
type AnythingBut<V extends Scalar> =
  | ([Extract<V, string>] extends [never]
      ? never
      : { readonly 'anything-but': Extract<V, string> | readonly Extract<V, string>[] | { readonly prefix: string } })
  | ([Extract<V, number>] extends [never] ? never : { readonly 'anything-but': Extract<V, number> | readonly Extract<V, number>[] })

/**
 * Untyped form, the grammar of SNS filter policies: keys are ANDed, alternatives in a list are ORed, objects nest,
 * `$or` takes two or more policies. At most 5 keys at the top, 150 combinations and 256 KB.
 */
export interface Filter {
  readonly [key: string]: readonly FilterOperator[] | Filter | readonly Filter[]
}

/** A filter on headers: one level, and every value is text. */
export interface HeaderFilter {
  readonly [name: string]: readonly FilterOperator<string>[]
}

/** A filter typed against the JSON view of a body. */
export type FilterOn<Body> = unknown extends Body ? Filter : FilterOnView<JsonView<Body>>

type FilterOnView<V> = { readonly [K in KeysOf<V>]?: ConditionOn<MemberOf<V, K>> } & {
  readonly $or?: readonly [FilterOnView<V>, FilterOnView<V>, ...FilterOnView<V>[]]
}

/** Arrays match if any element does, so a condition is on the element. */
type ConditionOn<V> = ([Leaf<V>] extends [never] ? never : readonly FilterOperator<Leaf<V>>[]) | ([Nested<V>] extends [never] ? never : FilterOnView<Nested<V>>)

type Leaf<V> = V extends readonly (infer E)[] ? Leaf<E> : Extract<V, Scalar>
type Nested<V> = V extends readonly (infer E)[] ? Nested<E> : V extends object ? V : never

/** Of a union of objects: the keys of each, and what any of them has there. */
type KeysOf<V> = V extends unknown ? keyof V : never
type MemberOf<V, K extends PropertyKey> = V extends unknown ? (K extends keyof V ? V[K] : never) : never
