import { setTimeout as sleep } from 'node:timers/promises'
import { runRounds, type Trial } from '../engine/rounds.ts'
import type { Row } from '../engine/rows.ts'
import { runJob } from '../engine/run-job.ts'
import type { Turns } from '../engine/turns.ts'
import { messagesPerSecond, type Sample, type Samples } from '../engine/sample.ts'
import { median } from '../report/stats.ts'
import type { Work } from '../subjects/subject.ts'
import { busbar, type Adapter, type Client, type Place } from './adapter.ts'
import { backlogOf, clientsOf, leftBy, nameOf, shapes, withoutPeers, type Entry, type Shape, type Size } from './shared.ts'
import { sharedRows } from './shared-rows.ts'
import type { SuiteOptions } from './suite.ts'

/** Rounds are for the intervals of what has a twin with a target: peers, and what is only reported, run in every second one, and of many in no more than so many. */
const peerRounds = 20
const reportedRounds = 7
const fewRounds = 3
/** Of a trial that measures in turn with others, and how long all of them may take together. */
const slices = 20
const slicedMs = 300_000
/** How long a server may take to count what a process has given back. */
const countMs = 5_000

type Told = Size & Pick<Work, 'action'>

export interface SharedResult {
  readonly samples: Samples
  readonly rows: readonly Row[]
}

/** Runs an adapter's part in the shared scenarios. */
export async function runShared(adapter: Adapter, all: readonly Entry[], options: SuiteOptions): Promise<SharedResult> {
  const wanted = all.filter((entry) => options.only.length === 0 || options.only.some((part) => nameOf(adapter, entry).includes(part)))
  const entries = options.withoutPeers ? wanted.map(withoutPeers) : wanted
  const paced = entries.find(({ shape }) => shape === 'latency')
  const perSecond = paced === undefined ? 0 : (paced.perSecond ?? (await halfLoad(adapter, all, options)))
  const trials = entries.flatMap((entry) => clientsOf(adapter, entry).map((client) => trialOf(adapter, entry, client, perSecond, options)))
  const samples = await runRounds(trials, options.rounds, options.onProgress)
  return { samples, rows: sharedRows(adapter, entries, samples, perSecond) }
}

/** Half of what the raw client reaches that sends and consumes at once. */
async function halfLoad(adapter: Adapter, entries: readonly Entry[], options: SuiteOptions): Promise<number> {
  const size = entries.find(({ shape }) => shape === 'atLoad')?.size ?? { warmup: 10_000, messages: 10_000 }
  const rates: number[] = []
  for (const index of options.quick ? [1] : [1, 2, 3]) {
    options.onProgress(`the load of ${adapter.raw}: ${index}`)
    const sample = await runTrial(adapter, adapter.raw, `${adapter.title}-load-${index}`, { ...size, action: 'flow' }, options)
    rates.push(messagesPerSecond(sample))
  }
  return Math.max(1, Math.round(median(rates) / 2))
}

function trialOf(adapter: Adapter, entry: Entry, client: string, perSecond: number, options: SuiteOptions): Trial {
  const name = nameOf(adapter, entry)
  const shape: Shape = shapes[entry.shape]
  const size = entry.shape === 'latency' ? { ...atRate(entry.size, perSecond), perSecond } : (entry.sizes?.[client] ?? entry.size)
  const work = { ...entry.work, ...shape.work, ...(client === busbar ? {} : shape.others), ...size }
  return {
    scenario: name,
    subject: client,
    every: everyOf(entry, client, options.rounds),
    sliced: shape.sliced === true,
    run: (round, turns) => runTrial(adapter, client, `${name}-${client}-${round}`, work, options, turns),
  }
}

/** Seconds as messages. */
function atRate({ warmup, messages }: Size, perSecond: number): Size {
  return { warmup: Math.round(warmup * perSecond), messages: Math.round(messages * perSecond) }
}

function everyOf({ once, peers = [], reported = [], targets }: Entry, client: string, rounds: number): number {
  if (once === true) return rounds
  const least = rounds > fewRounds ? 2 : 1
  const onlyReported = reported.includes(client) || targets?.length === 0
  if (onlyReported) return Math.max(least, Math.ceil(rounds / reportedRounds))
  return peers.includes(client) ? Math.max(least, Math.ceil(rounds / peerRounds)) : 1
}

/** One process at a place of its own, and what the server says of it afterwards. */
async function runTrial(adapter: Adapter, name: string, label: string, told: Told, { profileFolder }: SuiteOptions, turns?: Turns): Promise<Sample> {
  const client = adapter.clients[name] as Client
  const plain = { handlerMs: 0, slowEvery: 0, place: label.replaceAll(/[^A-Za-z0-9]+/g, '-') }
  const wanted: Work = { ...plain, ...adapter.work, ...client.work, ...told }
  const backlog = backlogOf(told.action, told)
  await using place = await adapter.place({ name: plain.place, client: name, work: wanted, backlog })
  const work: Work = { ...wanted, ...place.access, ...(turns && { slices }) }
  if (backlog > 0) {
    if (adapter.sessions === true) await runJob({ program: client.program, options: { ...work, action: 'prepare' } })
    await place.fill(backlog)
  }
  const before = await place.usage?.()
  const sample = await runJob({ program: client.program, options: work }, { profileFolder, ...(turns && { turns, timeoutMs: slicedMs }) })
  const after = await place.usage?.()
  await checkCount(place, label, work, sample)
  const total = told.warmup + told.messages
  const used = Object.entries(after ?? {}).map(([figure, value]) => [`${figure}PerThousand`, ((value - (before?.[figure] ?? 0)) * 1_000) / total] as const)
  return { ...sample, numbers: { ...sample.numbers, ...Object.fromEntries(used) } }
}

/** A client that loses messages, or confirms what isn't there, would be the fastest. */
async function checkCount(place: Place, label: string, { action, warmup, messages }: Work, { numbers = {} }: Sample): Promise<void> {
  // Who kept no pace leaves what it left.
  if (place.count === undefined || numbers['p99'] === Infinity) return
  const left = leftBy(action, { warmup, messages }, numbers['handled'] ?? 0)
  const right = (count: number): boolean => ('exactly' in left ? count === left.exactly : count >= left.atLeast)
  let count = await place.count()
  for (const until = performance.now() + countMs; !right(count) && performance.now() < until; count = await place.count()) await sleep(200)
  if (!right(count)) throw new Error(`${label}: the server has ${count} messages instead of ${JSON.stringify(left)}`)
}
