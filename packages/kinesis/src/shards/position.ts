/** A place in a shard: the number of a record, and which of its user records where it is an aggregated one. */
export interface Position {
  /** Of 56 decimal digits or so: never a `Number`. */
  readonly sequence: bigint
  /** From 0; `undefined` for a record that holds nothing but itself. */
  readonly subSequence: number | undefined
}

/** `sequence`, or `sequence:subSequence` inside an aggregated record. */
export function formatPosition({ sequence, subSequence }: Position): string {
  return subSequence === undefined ? String(sequence) : `${sequence}:${subSequence}`
}

/** Reads what {@link formatPosition} wrote; `undefined` for what is no position. */
export function parsePosition(text: string): Position | undefined {
  const [, sequence, subSequence] = /^(0|[1-9]\d{0,128})(?::(0|[1-9]\d{0,8}))?$/.exec(text) ?? []
  if (sequence === undefined) return undefined
  return { sequence: BigInt(sequence), subSequence: subSequence === undefined ? undefined : Number(subSequence) }
}

/** Negative if `a` is before `b`. A record stands where its first user record does. */
export function comparePositions(a: Position, b: Position): number {
  if (a.sequence !== b.sequence) return a.sequence < b.sequence ? -1 : 1
  return (a.subSequence ?? 0) - (b.subSequence ?? 0)
}
