/** Answers in the order of the items, with so many under way at once. After a failure nothing more is begun. */
export async function inParallel<T, R>(items: readonly T[], width: number, act: (item: T) => Promise<R>): Promise<R[]> {
  const answers: R[] = []
  let next = 0
  let failed = false
  const work = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const index = next++
      try {
        answers[index] = await act(items[index] as T)
      } catch (error) {
        failed = true
        throw error
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, work))
  return answers
}
