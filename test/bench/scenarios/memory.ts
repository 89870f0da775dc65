import { runRounds, type Trial } from '../engine/rounds.ts'
import { rowsOf, valueRow, type Row, type Scenario } from '../engine/rows.ts'
import { runJob } from '../engine/run-job.ts'
import { cpuMicrosPerMessage, messagesPerSecond, type Sample, type Samples } from '../engine/sample.ts'
import { atLeast } from '../engine/targets.ts'
import { median } from '../report/stats.ts'
import type { MemoryJob } from '../subjects/busbar-memory.ts'
import type { WaitingJob } from '../subjects/memory-waiting.ts'
import type { Suite, SuiteOptions } from './suite.ts'

const subject = 'busbar'
/** Idle middlewares in a chain, to see one of them. */
const idleCount = 10
const maxIdleMicros = 1
/** Of time per message, from a hundred thousand to a million: it is 10 for what is quadratic, and 1.2 for a logarithm. */
const maxGrowth = 1.5
/** Per message or key that is gone. */
const maxBytesLeft = 1

const bare: Omit<MemoryJob, 'warmup' | 'messages'> = { body: 'text', send: 'sendBatch', keys: 0, reliable: false, idleProcess: 0, idleSend: 0 }
const reliable = { ...bare, keys: 10_000, reliable: true }

const flows: readonly { readonly name: string; readonly job: typeof bare; readonly perSecond?: number; readonly messages: number }[] = [
  { name: 'memory, bare, sendBatch', job: bare, perSecond: 1_000_000, messages: 2_000_000 },
  { name: 'memory, bare, send', job: { ...bare, send: 'send' }, perSecond: 1_000_000, messages: 2_000_000 },
  { name: 'memory, retry, idempotency, 10,000 keys', job: reliable, perSecond: 400_000, messages: 1_000_000 },
  { name: 'memory, JSON', job: { ...bare, body: 'json' }, perSecond: 250_000, messages: 600_000 },
  { name: 'memory, JSON, retry, idempotency, 10,000 keys', job: { ...reliable, body: 'json' }, perSecond: 250_000, messages: 600_000 },
  { name: 'memory, JSON with schema', job: { ...bare, body: 'json with schema' }, messages: 400_000 },
  { name: `memory, ${idleCount} idle process middlewares`, job: { ...bare, idleProcess: idleCount }, messages: 1_000_000 },
  { name: `memory, ${idleCount} idle send middlewares`, job: { ...bare, idleSend: idleCount }, messages: 300_000 },
]

const backlogs: readonly { readonly name: string; readonly job: WaitingJob }[] = [
  { name: 'memory, 10,000 waiting', job: { waiting: 10_000, distinctKeys: false, cycles: 30 } },
  { name: 'memory, 100,000 waiting', job: { waiting: 100_000, distinctKeys: false, cycles: 5 } },
  { name: 'memory, 1,000,000 waiting', job: { waiting: 1_000_000, distinctKeys: false, cycles: 1 } },
  { name: 'memory, 100,000 waiting, a key each', job: { waiting: 100_000, distinctKeys: true, cycles: 5 } },
  { name: 'memory, 1,000,000 waiting, a key each', job: { waiting: 1_000_000, distinctKeys: true, cycles: 1 } },
]

/** The memory driver: there is no raw client, so that there are figures and no ratios. */
export const memory: Suite = async (options) => {
  const flowTrials = flows.map(({ name, job, messages }) => trial(name, 'memory', sized(job, messages, options), options))
  const backlogTrials = backlogs.map(({ name, job }) => trial(name, 'memory-waiting', job, options))
  const samples = await runRounds([...flowTrials, ...backlogTrials], options.rounds, options.onProgress)
  const rows = [
    ...flows.flatMap(({ name, perSecond }) => rowsOf(scenario(name, perSecond), samples)),
    idleRow('process', samples),
    idleRow('send', samples),
    ...backlogs.flatMap(({ name }) => rowsOf(scenario(name), samples)),
    ...growthRows('', samples),
    ...growthRows(', a key each', samples),
  ]
  return { rows, versions: {}, ran: true }
}

function sized(job: typeof bare, messages: number, { quick }: SuiteOptions): MemoryJob {
  return { ...job, warmup: 100_000, messages: quick ? messages / 4 : messages }
}

/** One group: there is one subject, whose scenarios are compared with each other. */
function trial(scenario: string, program: 'memory' | 'memory-waiting', options: object, { profileFolder }: SuiteOptions): Trial {
  return { scenario, subject, group: 'memory', run: () => runJob({ program, options }, { profileFolder }) }
}

function scenario(name: string, perSecond?: number): Scenario {
  return { name, subjects: [{ name: subject, ...(perSecond === undefined ? {} : { targets: [atLeast(perSecond)] }) }] }
}

function idleRow(side: 'process' | 'send', samples: Samples): Row {
  const without = samples.of('memory, bare, sendBatch', subject).map(cpuMicrosPerMessage)
  const costs = samples
    .of(`memory, ${idleCount} idle ${side} middlewares`, subject)
    .map((sample, round) => (cpuMicrosPerMessage(sample) - (without[round] ?? Number.NaN)) / idleCount)
  const value = median(costs)
  return valueRow('memory, an idle middleware', side, value, 'µs CPU per message', { text: `≤ ${maxIdleMicros} µs`, met: value <= maxIdleMicros })
}

function growthRows(what: string, samples: Samples): Row[] {
  const few = samples.of(`memory, 100,000 waiting${what}`, subject)
  const many = samples.of(`memory, 1,000,000 waiting${what}`, subject)
  const growth = median(many.map((sample, round) => messagesPerSecond(few[round] as Sample) / messagesPerSecond(sample)))
  const waiting = median(many.map((sample) => sample.numbers?.['bytesPerWaitingMessage'] ?? Number.NaN))
  const left = median(many.map((sample) => (sample.numbers?.['bytesLeft'] ?? Number.NaN) / sample.messages))
  const name = `memory, 1,000,000 waiting${what}`
  return [
    valueRow(name, 'time per message against 100,000', growth, '×', { text: `≤ ${maxGrowth} ×`, met: growth <= maxGrowth }),
    valueRow(name, what === '' ? 'heap per waiting message, without its body' : 'heap per waiting message', waiting, 'bytes'),
    valueRow(name, 'heap left per message, when all are gone', left, 'bytes', { text: `≤ ${maxBytesLeft} byte`, met: left <= maxBytesLeft }),
  ]
}
