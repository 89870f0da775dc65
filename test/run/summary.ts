import { skipCount, type Skip } from './part.ts'
import type { Finished } from './run-parts.ts'

/** The end of the certificate: what failed, what was skipped and how to have it run, a table, and the last line. */
export function summary(finished: readonly Finished[]): string[] {
  return [...failureLines(finished), ...skipLines(finished), '', ...table(finished), '', lastLine(finished)]
}

export function totals(finished: readonly Finished[]): { readonly passed: number; readonly failed: number; readonly skipped: number } {
  const total = (count: (done: Finished) => number): number => finished.reduce((sum, done) => sum + count(done), 0)
  return { passed: total((done) => done.result.passed), failed: total((done) => done.result.failed), skipped: total((done) => skipCount(done.result)) }
}

function lastLine(finished: readonly Finished[]): string {
  const { passed, failed, skipped } = totals(finished)
  return `${passed} passed, ${failed} failed, ${skipped} skipped`
}

function failureLines(finished: readonly Finished[]): string[] {
  const failed = finished.filter((done) => done.result.failed > 0)
  if (failed.length === 0) return []
  return ['', 'Failures', ...failed.flatMap(({ part, result }) => [`  ${part.name}`, ...result.failures.map((failure) => indent(failure, '    '))])]
}

function skipLines(finished: readonly Finished[]): string[] {
  const lines = finished.flatMap(({ part, result }) => result.skipped.map((skip) => indent(`${part.name}: ${skipText(skip)}`, '  ')))
  return lines.length === 0 ? [] : ['', 'Skipped', ...lines]
}

function skipText(skip: Skip): string {
  return `${skip.what}${skip.count === undefined ? '' : ` (${skip.count})`}: ${skip.reason}. Remedy: ${skip.remedy}`
}

function table(finished: readonly Finished[]): string[] {
  const rows = [
    ['part', 'passed', 'failed', 'skipped', 'seconds', 'budget'],
    ...finished.map(({ part, result, seconds }) => [
      part.name,
      String(result.passed),
      String(result.failed),
      String(skipCount(result)),
      seconds.toFixed(1),
      String(part.budgetSeconds),
    ]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  '))
}

function indent(text: string, by: string): string {
  return text.replaceAll(/^/gm, by)
}
