/**
 * What the suite needs of a test runner. vitest, jest and node:test fit in a few lines; so does a loop in the process. Cases may run at once where the harness has
 * `forCase`; the last `it` of the outermost group, on known gaps, has to run after all others.
 */
export interface Runner {
  /** Groups cases. `body` is synchronous. */
  describe(name: string, body: () => void): void
  /** One case. `timeoutMs` is real time, for runners that end a case themselves. */
  it(name: string, body: () => Promise<void>, timeoutMs: number): void
  /** A case that cannot be examined here. Default: it is left out and recorded as not examined. */
  skip?(name: string, reason: string): void
}
