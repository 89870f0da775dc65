/** Work that ends when a test says so. */
export interface Gate {
  readonly work: Promise<unknown>
  readonly open: (value?: unknown) => void
  readonly fail: (error: unknown) => void
}

export function gate(): Gate {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  return { work: promise, open: (value) => resolve(value), fail: reject }
}

/** What has become of `work`, so far. */
export function outcomeOf(work: unknown): { value: unknown; error?: unknown } {
  const outcome: { value: unknown; error?: unknown } = { value: 'open' }
  Promise.resolve(work).then(
    (value) => (outcome.value = value),
    (error: unknown) => {
      outcome.value = 'failed'
      outcome.error = error
    },
  )
  return outcome
}
