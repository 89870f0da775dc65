import { isClean as isKept } from './checker.ts'
import type { Recovery } from './recovery.ts'
import type { RunReport } from './run.ts'

/** Of each kind of violation so many are shown. */
const shown = 10

/** What is judged of a run. */
type Outcome = Pick<RunReport, 'verdict' | 'recoveries' | 'faults'>

/** Things were broken, recovered, and every promise was kept. */
export function isClean(outcome: Outcome): boolean {
  return isKept(outcome.verdict) && othersOf(outcome).length === 0 && outcome.recoveries.every(({ ms }) => ms !== undefined)
}

/** For the reader of one run. */
export function lines(report: RunReport, kept: boolean): readonly string[] {
  const { verdict, recoveries, faults, seconds, folder } = report
  const { sent, handled, deadLettered, repeats, unconfirmed, lost, outOfOrder, doubleEffects, memoryBytes } = verdict
  return [
    ...examples('lost', lost),
    ...examples('out of order', outOfOrder),
    ...(doubleEffects === undefined ? ['double effects are not judged: there was no Redis for idempotency'] : examples('double effect', doubleEffects)),
    ...examples('wrong', othersOf(report)),
    ...slowest(recoveries),
    `${sent} confirmed, ${handled} handled, ${deadLettered} dead letters, ${repeats} repeated starts, ${unconfirmed} unconfirmed`,
    `${faults} faults in ${seconds.toFixed(0)} s, at most ${Math.round(memoryBytes / 2 ** 20)} MiB in a process`,
    ...(isClean(report) && !kept ? [] : [`the histories are in ${folder}`]),
  ]
}

export interface Summary {
  /** The last line, which the certificate reads. */
  readonly text: string
  /** Everything was judged, and kept. */
  readonly clean: boolean
  /** What was judged was kept, and something was not to be had: backends, or the store of idempotency. */
  readonly skipped: boolean
}

export function summary(reports: readonly RunReport[]): Summary {
  const sum = (count: (report: RunReport) => number): number => reports.reduce((total, report) => total + count(report), 0)
  const recoveries = reports.flatMap((report) => report.recoveries)
  const slowestMs = recoveries.reduce((most, { ms = Infinity }) => Math.max(most, ms), 0)
  const wrong = sum((report) => othersOf(report).length)
  const doubled = sum(({ verdict }) => verdict.doubleEffects?.length ?? 0)
  const judged = reports.every(({ verdict }) => verdict.doubleEffects !== undefined)
  const text =
    `chaos: sent ${sum(({ verdict }) => verdict.sent)}, lost ${sum(({ verdict }) => verdict.lost.length)}, ` +
    `out of order ${sum(({ verdict }) => verdict.outOfOrder.length)}, double effects ${judged || doubled > 0 ? doubled : 'not judged'}, ` +
    `${wrong > 0 ? `otherwise wrong ${wrong}, ` : ''}recovered in ≤ ${(Math.ceil(slowestMs / 100) / 10).toFixed(1)} s`
  const kept = reports.every(isClean)
  const all = reports.length > 0 && judged
  return { text, clean: kept && all, skipped: kept && !all }
}

/** All that is wrong and has no count of its own, as sentences. */
function othersOf({ verdict, faults }: Outcome): readonly string[] {
  return faults > 0 ? verdict.others : [...verdict.others, 'nothing was broken: no fault has struck']
}

function examples(what: string, all: readonly string[]): string[] {
  const more = all.length - shown
  return [...all.slice(0, shown).map((text) => `${what}: ${text}`), ...(more > 0 ? [`${what}: ${more} more`] : [])]
}

/** The slowest recovery of each kind of fault. */
function slowest(recoveries: readonly Recovery[]): string[] {
  const most = new Map<string, number>()
  for (const { fault, ms = Infinity } of recoveries) most.set(fault, Math.max(most.get(fault) ?? 0, ms))
  return [...most].map(([fault, ms]) =>
    ms === Infinity ? `${fault}: nothing that was sent after it was handled` : `${fault}: recovered in ${(ms / 1_000).toFixed(2)} s`,
  )
}
