/** Calls under way at once: thousands of leases must not wait for one another's round trips until they end. */
const parallel = 8

/** Takes all of `items` to `call`, at most `size` in each, and gives the results in the order of `items`. */
export async function inCalls<Item, Result>(
  items: readonly Item[],
  size: number,
  call: (some: readonly Item[]) => Promise<readonly Result[]>,
): Promise<readonly Result[]> {
  const calls: Promise<readonly Result[]>[] = []
  let from = 0
  const work = async (): Promise<void> => {
    while (from < items.length) {
      const answer = call(items.slice(from, (from += size)))
      calls.push(answer)
      await answer
    }
  }
  await Promise.all(Array.from({ length: parallel }, work))
  return (await Promise.all(calls)).flat()
}
