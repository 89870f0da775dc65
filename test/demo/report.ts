import type { Activity } from './activity.ts'
import type { Verdict } from './ledger.ts'
import type { ProgramReport } from './program.ts'
import type { Workload } from './workload.ts'

/** What must come out, counted from the plan alone. */
export interface Expected {
  readonly sent: number
  /** Copies that senders repeat. With faults the broker makes more, and core acks some of them before any middleware sees them: then it is no bound. */
  readonly suppressed: number | undefined
  readonly deadLettered: number
}

export function expectedOf({ trucks, orders, malformedOrders, arrivals }: Workload, faults: boolean): Expected {
  const fixes = trucks.flatMap(({ bursts }) => bursts.flat())
  const blind = trucks.flatMap((truck) => truck.blind)
  const all = [...fixes, ...blind, ...orders, ...malformedOrders, ...arrivals]
  const twice = all.filter((planned) => planned.twice).length
  // A repeated arrival reaches every subscription that gets the first.
  const twiceLate = arrivals.filter((arrival) => arrival.twice && arrival.body.minutesLate >= 30).length
  return { sent: all.length + twice, suppressed: faults ? undefined : twice + twiceLate, deadLettered: blind.length }
}

/** Everything that is off, as sentences. Empty: all is well. */
export function problemsOf(verdict: Verdict, report: ProgramReport, expected: Expected): string[] {
  const problems: string[] = []
  const some = (what: string, ids: readonly string[]): void => {
    if (ids.length > 0) problems.push(`${ids.length} ${what}: ${ids.slice(0, 5).join(', ')}${ids.length > 5 ? ', …' : ''}`)
  }
  some('lost', verdict.lost)
  some('out of order', verdict.outOfOrder)
  some('handled more than once', verdict.doubled)
  some('repeated by their sender and seen too seldom', verdict.unseen)
  some('turned up where nobody sent them', verdict.unexpected)
  for (const { source, owed, handled, deadLettered } of verdict.sources) {
    if (owed !== handled + deadLettered) problems.push(`${source}: ${owed} owed, but ${handled} handled and ${deadLettered} dead-lettered`)
  }
  for (const figure of ['sent', 'suppressed', 'deadLettered'] as const) {
    if (expected[figure] !== undefined && verdict[figure] !== expected[figure])
      problems.push(`${figure} is ${verdict[figure]} and should be ${expected[figure]}`)
  }
  if (report.deadLetters.length !== verdict.deadLettered)
    problems.push(`${report.deadLetters.length} dead letters were found and ${verdict.deadLettered} booked`)
  some('had nothing to do', report.idle)
  if (report.answered !== report.asked) problems.push(`${report.answered} of ${report.asked} questions were answered rightly`)
  return problems
}

/** Prints the balance, what is off, and the line that ends every run. Answers the exit code. */
export function printVerdict(verdict: Verdict, report: ProgramReport, expected: Expected, activity: Activity, elapsedMs: number): 0 | 1 {
  const row = (cells: readonly (string | number)[]): string =>
    cells.map((cell, column) => (column === 0 ? String(cell).padEnd(22) : String(cell).padStart(15))).join('')
  console.log(row(['', 'owed', 'handled', 'dead-lettered', 'suppressed']))
  for (const { source, owed, handled, deadLettered, suppressed } of verdict.sources) console.log(row([source, owed, handled, deadLettered, suppressed]))
  console.log(
    `${report.answered} of ${report.asked} questions answered, ${activity.failures} failures retried or given up, ${(elapsedMs / 1_000).toFixed(1)} s`,
  )
  if (activity.notes.size > 0) console.log(`noted: ${[...activity.notes].map(([event, count]) => `${event} ${count}`).join(', ')}`)
  const problems = problemsOf(verdict, report, expected)
  for (const problem of problems) console.log(`WRONG: ${problem}`)
  const { sent, handled, lost, outOfOrder, suppressed, deadLettered } = verdict
  console.log(
    `demo: sent ${sent}, handled ${handled}, lost ${lost.length}, out of order ${outOfOrder.length}, duplicates suppressed ${suppressed}, dead-lettered ${deadLettered}`,
  )
  return problems.length === 0 ? 0 : 1
}
