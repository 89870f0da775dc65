/** Is `A` exactly `B`? Optional, readonly and `any` are told apart. */
// The type parameter is what makes the compiler compare for identity.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only if `T` is `true`. */
export type Expect<T extends true> = T
