/** `npm run simulate -- [--seeds 11000] [--from 1] [--seed S] [--cpu-seconds N]`: whole programs under random faults in virtual time. */
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { likelySteps } from './crashes.ts'
import { runSeeds, type Outcome } from './run-seeds.ts'
import type { SharedSeeds } from './seeds-thread.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '11000' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    'cpu-seconds': { type: 'string' },
    trace: { type: 'boolean', default: false },
  },
})

/** So many schedules must have tried everything. */
const enough = 1_000

const from = values.seed === undefined ? whole('from', values.from) : whole('seed', values.seed)
const count = values.seed === undefined ? whole('seeds', values.seeds) : 1
/** What all threads may take together; time does not tell, since what runs beside them takes most of it. */
const cpuSeconds = values['cpu-seconds'] === undefined ? Infinity : whole('cpu-seconds', values['cpu-seconds'])
const began = performance.now()
let broken = 0
const tried = new Map<string, number>()
const crashedAt = new Map(likelySteps.map(({ step }) => [step, 0]))

let done = 0
// Also of a schedule that does not end.
setInterval(() => {
  if (cpuUsed() > cpuSeconds) throw new Error(`${done} of ${count} schedules took more than the budget of ${cpuSeconds} s of CPU`)
}, 1_000).unref()
// Traces stay in the thread that makes them.
if (values.seed === undefined && !values.trace) await onThreads()
else await runSeeds(oneByOne(), told)

/** One for each of the first two cores; they take the seeds one by one. */
async function onThreads(): Promise<void> {
  const seeds: SharedSeeds = { taken: new Int32Array(new SharedArrayBuffer(4)), from, count }
  await Promise.all(
    Array.from({ length: Math.min(2, availableParallelism()) }, async () => {
      // With the size that V8 takes by itself, collecting what has just been made costs a twentieth more.
      const thread = new Worker(new URL('seeds-thread.ts', import.meta.url), { workerData: seeds, resourceLimits: { maxYoungGenerationSizeMb: 64 } })
      thread.on('message', (outcome: Outcome) => told(outcome, []))
      const [code] = (await once(thread, 'exit')) as [number]
      if (code !== 0) throw new Error(`a thread ended with ${code}`)
    }),
  )
  if (done !== count) throw new Error(`${done} of ${count} schedules were told of`)
}

function told({ seed, name, violations, ...outcome }: Outcome, trace: readonly string[]): void {
  for (const [what, times] of outcome.tried) tried.set(what, (tried.get(what) ?? 0) + times)
  for (const [step, times] of outcome.crashedAt) crashedAt.set(step, (crashedAt.get(step) ?? 0) + times)
  if (values.trace) for (const line of trace) console.log(line)
  if (violations.length > 0) {
    broken++
    console.log(`seed ${seed} (${name}): reproduce it with npm run simulate -- --seed ${seed} --trace`)
    for (const text of violations) console.log(`  ${text}`)
  }
  done++
  if (done % 1_000 === 0)
    console.log(
      `simulate: ${done} of ${count} schedules, ${((performance.now() - began) / done).toFixed(1)} ms and ${((cpuUsed() * 1_000) / done).toFixed(1)} ms of CPU each`,
    )
}
console.log(`tried: ${listed(tried)}`)
console.log(`crashed: ${listed(crashedAt)}`)
console.log(`${broken} violations in ${count} schedules`)
// What was never tried was not examined.
const untried = count < enough ? [] : [...never(tried), ...never(crashedAt).map((step) => `a crash ${step}`)]
if (untried.length > 0) console.log(`never tried: ${untried.join(', ')}`)
if (broken > 0 || untried.length > 0) process.exitCode = 1

/** In seconds, of all threads. */
function cpuUsed(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

function oneByOne(): () => number | undefined {
  let next = from
  return () => (next < from + count ? next++ : undefined)
}

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
