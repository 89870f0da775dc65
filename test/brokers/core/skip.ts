/** A broker that is not to be had on this machine: not an error, but never silent either. */
export interface Skipped {
  readonly skipped: true
  readonly broker: string
  /** Every way that was tried and why it did not serve. */
  readonly reason: string
  /** What to do to get this broker. */
  readonly remedy: string
}

export function isSkipped(result: object): result is Skipped {
  return 'skipped' in result && result.skipped === true
}

/**
 * Returns the bed, or prints the skip and returns `undefined`.
 * With `BUSBAR_REQUIRE_BROKERS=1` a skip throws instead.
 */
export function skipOrFail<T extends object>(result: T | Skipped): T | undefined {
  if (!isSkipped(result)) return result
  const text = `${result.broker} skipped: ${result.reason}. Remedy: ${result.remedy}`
  if (process.env['BUSBAR_REQUIRE_BROKERS'] === '1') throw new Error(text)
  console.warn(text)
  return undefined
}
