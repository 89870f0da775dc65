import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

/** What one run of vitest found; read by `vitest-part.ts`. */
export interface VitestCounts {
  readonly passed: number
  readonly failed: number
  readonly failures: readonly string[]
  /** By note given to `context.skip(note)`; the empty note where there is none. */
  readonly skipped: Readonly<Record<string, number>>
}

/** Writes the counts of a run to the file named by `BUSBAR_VITEST_COUNTS`. */
export default class CountsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env['BUSBAR_VITEST_COUNTS']
    if (file !== undefined) writeFileSync(file, JSON.stringify(count(modules, unhandled)))
  }
}

function count(modules: readonly TestModule[], unhandled: readonly SerializedError[]): VitestCounts {
  let passed = 0
  const failures = unhandled.map((error) => `unhandled: ${error.message}`)
  const skipped: Record<string, number> = {}
  for (const module of modules) {
    failures.push(...module.errors().map((error) => `${module.relativeModuleId}: ${error.message}`))
    for (const suite of module.children.allSuites())
      failures.push(...suite.errors().map((error) => `${module.relativeModuleId} > ${suite.fullName}: ${error.message}`))
    for (const test of module.children.allTests()) {
      const result = test.result()
      if (result.state === 'passed') passed += 1
      else if (result.state === 'skipped') skipped[result.note ?? ''] = (skipped[result.note ?? ''] ?? 0) + 1
      else failures.push(`${module.relativeModuleId} > ${test.fullName}: ${result.errors?.[0]?.message ?? 'did not finish'}`)
    }
  }
  return { passed, failed: failures.length, failures, skipped }
}
