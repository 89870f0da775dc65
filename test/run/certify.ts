/**
 * The certificate: everything that has to hold before a change is taken.
 *
 *   npm test                           all parts
 *   npm test -- --only lint,unit       a selection
 *   npm run test:full                  long parts too
 */
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Part } from './part.ts'
import { allParts } from './parts/index.ts'
import { cache } from './paths.ts'
import { runParts } from './run-parts.ts'
import { summary, totals } from './summary.ts'

const { values } = parseArgs({ options: { full: { type: 'boolean', default: false }, only: { type: 'string', multiple: true, default: [] } } })

/** What `npm test` may take in all, on two cores. Its parts have budgets of their own, for one that hangs. */
const mostSeconds = 900

// The parts start hundreds of processes with the same code.
process.env['NODE_COMPILE_CACHE'] ??= join(cache, 'compiled')

const interrupted = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort(signal))

const parts = select(
  allParts,
  values.only.flatMap((names) => names.split(',')),
  values.full,
)
const whole = values.only.length === 0 && !values.full
if (whole) setTimeout(() => interrupted.abort(`the certificate has taken ${mostSeconds} s`), mostSeconds * 1_000).unref()
const began = performance.now()
console.log(`Busbar certificate on Node ${process.versions.node}: ${parts.map((part) => part.name).join(', ')}`)
const finished = await runParts(parts, interrupted.signal, (line) => console.log(line))
const { failed, skipped } = totals(finished)
const lines = summary(finished)
const last = lines.pop()
for (const line of lines) console.log(line)
console.log(`${((performance.now() - began) / 1_000).toFixed(0)} s in all`)
if (skipped > 0 && brokersRequired()) console.log('BUSBAR_REQUIRE_BROKERS=1: a skip is a failure')
console.log(last)
process.exitCode = failed > 0 || (skipped > 0 && brokersRequired()) || interrupted.signal.aborted ? 1 : 0

function brokersRequired(): boolean {
  return process.env['BUSBAR_REQUIRE_BROKERS'] === '1'
}

function select(all: readonly Part[], names: readonly string[], full: boolean): readonly Part[] {
  if (names.length === 0) return all.filter((part) => full || part.full !== true)
  const unknown = names.filter((name) => !all.some((part) => part.name === name))
  if (unknown.length > 0) {
    console.error(`unknown part: ${unknown.join(', ')}; there are: ${all.map((part) => part.name).join(', ')}`)
    process.exit(1)
  }
  return all.filter((part) => names.includes(part.name))
}
