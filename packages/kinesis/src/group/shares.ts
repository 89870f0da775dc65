/**
 * How many shards each worker should have: as equal as can be. Where they cannot be equal, those that have more keep one more, so that nothing moves without need.
 * `held` says how many each has. Everybody who looks at the same table comes to the same answer.
 */
export function sharesOf(held: ReadonlyMap<string, number>, shards: number): Map<string, number> {
  const workers = [...held].toSorted(([one, ones], [other, others]) => others - ones || (one < other ? -1 : 1))
  const least = Math.floor(shards / workers.length)
  const more = shards % workers.length
  return new Map(workers.map(([worker], index) => [worker, index < more ? least + 1 : least]))
}
