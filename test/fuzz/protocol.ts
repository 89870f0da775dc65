/** Inputs of one target, by their indexes: `from` up to, and without, `to`. */
export interface Job {
  readonly name: string
  readonly from: number
  readonly to: number
}

/** What a worker is to do. */
export interface Order {
  /** URL of a module with `targets`. */
  readonly module: string
  readonly seed: number
  readonly jobs: readonly Job[]
  /** Longest time for one input, in milliseconds. */
  readonly slowMs: number
}

/** What went wrong, and how to see it again. */
export interface Finding {
  readonly target: string
  /** Absent where it is no single input's. */
  readonly index?: number
  readonly problem: string
  /** For the reader, cut where it is long. Absent where it was never decoded to the end. */
  readonly input?: string
}

/** What a worker says. `heap`: bytes in use at equal distances, if there were enough inputs to say anything by it. */
export type Told =
  | { readonly kind: 'begin'; readonly target: string }
  | ({ readonly kind: 'finding' } & Finding)
  | { readonly kind: 'done'; readonly target: string; readonly inputs: number; readonly seconds: number; readonly heap: readonly number[] }
  | { readonly kind: 'end' }

/** A target with so many findings is not tried any further. */
export const mostFindings = 20
