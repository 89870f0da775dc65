import type { Runner } from '@busbar/contract-tests'
import { describe, it } from 'vitest'

export const vitestRunner: Runner = {
  describe: (name, body) => void describe(name, body),
  it: (name, body, timeoutMs) => it(name, body, timeoutMs),
  skip: (name, reason) => it.skip(`${name} [not examined: ${reason}]`, () => {}),
}
