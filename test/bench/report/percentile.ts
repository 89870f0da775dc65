/** The smallest value that at least `share` of them do not exceed (nearest rank). `sorted` is ascending; `share` is in (0, 1]. `NaN` without values. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  if (!(share > 0 && share <= 1)) throw new RangeError(`a share is above 0 and at most 1, not ${share}`)
  // What floating point adds to a whole rank must not make it the next.
  const rank = Math.ceil(sorted.length * share - 1e-9)
  return sorted[Math.max(1, rank) - 1] ?? Number.NaN
}
