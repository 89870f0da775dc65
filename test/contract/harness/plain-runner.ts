import type { Runner } from '@busbar/contract-tests'

export interface Registered {
  readonly name: string
  readonly body: () => Promise<void>
}

/** Collects cases to be run in a loop of one's own, without a test framework. */
export function plainRunner(): { readonly runner: Runner; readonly cases: Registered[] } {
  const cases: Registered[] = []
  const path: string[] = []
  const runner: Runner = {
    describe: (name, body) => {
      path.push(name)
      body()
      path.pop()
    },
    it: (name, body) => void cases.push({ name: [...path, name].join(' › '), body }),
  }
  return { runner, cases }
}
