/** `npm run simulate -- [--seeds 11000] [--from 1] [--seed S]`: whole programs under random faults in virtual time. */
import { parseArgs } from 'node:util'
import { violations } from './check.ts'
import { likelySteps } from './crashes.ts'
import { runSchedule } from './program.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '11000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})

/** Schedules that run side by side: while one waits for the thread pool, which compresses and encrypts, another goes on. */
const atOnce = 2
/** So many schedules must have tried everything. */
const enough = 1_000

const from = values.seed === undefined ? whole('from', values.from) : whole('seed', values.seed)
const count = values.seed === undefined ? whole('seeds', values.seeds) : 1
// Most of what is thrown here is meant to be: who looks at one schedule wants to know from where.
if (values.seed === undefined) Error.stackTraceLimit = 0
const began = performance.now()
let broken = 0
const tried = new Map<string, number>()
const crashedAt = new Map(likelySteps.map(({ step }) => [step, 0]))

let next = from
let done = 0
await Promise.all(Array.from({ length: atOnce }, runSome))

async function runSome(): Promise<void> {
  while (next < from + count) await runOne(next++)
}

async function runOne(seed: number): Promise<void> {
  const { history, promised, name, trace } = await runSchedule(seed)
  const found = violations(history, promised)
  for (const [what, times] of Object.entries(history.tried)) tried.set(what, (tried.get(what) ?? 0) + times)
  for (const [step, times] of history.crashedAt) crashedAt.set(step, (crashedAt.get(step) ?? 0) + times)
  if (values.trace) for (const line of trace) console.log(line)
  if (found.length > 0) {
    broken++
    console.log(`seed ${seed} (${name}): reproduce it with npm run simulate -- --seed ${seed} --trace`)
    for (const text of found) console.log(`  ${text}`)
  }
  done++
  if (done % 1_000 === 0) console.log(`simulate: ${done} of ${count} schedules, ${((performance.now() - began) / done).toFixed(1)} ms each`)
}
console.log(`tried: ${listed(tried)}`)
console.log(`crashed: ${listed(crashedAt)}`)
console.log(`${broken} violations in ${count} schedules`)
// What was never tried was not examined.
const untried = count < enough ? [] : [...never(tried), ...never(crashedAt).map((step) => `a crash ${step}`)]
if (untried.length > 0) console.log(`never tried: ${untried.join(', ')}`)
if (broken > 0 || untried.length > 0) process.exitCode = 1

function listed(times: ReadonlyMap<string, number>): string {
  return [...times].map(([what, count]) => `${what} ${count}`).join(', ')
}

function never(times: ReadonlyMap<string, number>): string[] {
  return [...times].filter(([, count]) => count === 0).map(([what]) => what)
}

function whole(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new TypeError(`--${name} must be a whole number, not '${text}'`)
  return value
}
