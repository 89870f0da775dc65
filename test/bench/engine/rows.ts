import { median, ratioInterval, type Interval } from '../report/stats.ts'
import { cpuMicrosPerMessage, messagesPerSecond, type Samples } from './sample.ts'

/** One line of the result. What a row does not measure is `null`. */
export interface Row {
  readonly scenario: string
  readonly subject: string
  /** Median of the rounds. */
  readonly messagesPerSecond: number | null
  /** Median of the rounds. */
  readonly cpuMicrosPerMessage: number | null
  /** Throughput against the raw client of the same round. */
  readonly ratioToRaw: Interval | null
  /** CPU per message against the raw client of the same round. */
  readonly cpuRatioToRaw: Interval | null
  /** What is measured where it isn't throughput. */
  readonly value: number | null
  readonly unit: string | null
  readonly target: string | null
  /** `null` without a target. */
  readonly met: boolean | null
  /** Met, or missed by no more than a busy machine and few rounds explain: what `--gate` asks for. `null` without a target. */
  readonly withinGate: boolean | null
}

export interface Target {
  readonly text: string
  readonly met: (comparison: Comparison) => boolean
  /** The generous bound. */
  readonly within: (comparison: Comparison) => boolean
}

/** A subject's figures, and how it stands against others of its scenario. */
export interface Comparison {
  readonly messagesPerSecond: number
  readonly ratioToRaw: Interval | null
  readonly cpuRatioToRaw: Interval | null
  readonly against: (subject: string) => { readonly throughput: Interval; readonly cpu: Interval }
}

export interface Scenario {
  readonly name: string
  /** The subject that ratios are taken against, where it is one of the scenario's. */
  readonly raw?: string
  /** In the order of the table. */
  readonly subjects: readonly { readonly name: string; readonly targets?: readonly Target[] }[]
}

/** Rows of a scenario, one per subject and target (at least one). */
export function rowsOf(scenario: Scenario, samples: Samples): Row[] {
  return scenario.subjects.flatMap(({ name, targets = [] }) => {
    const comparison = compare(scenario, name, samples)
    const common = {
      scenario: scenario.name,
      subject: name,
      messagesPerSecond: comparison.messagesPerSecond,
      cpuMicrosPerMessage: median(samples.of(scenario.name, name).map(cpuMicrosPerMessage)),
      ratioToRaw: comparison.ratioToRaw,
      cpuRatioToRaw: comparison.cpuRatioToRaw,
      value: null,
      unit: null,
    }
    const target = targets.length === 0 ? null : targets.map(({ text }) => text).join('; ')
    const every = (holds: (each: Target) => boolean): boolean | null => (target === null ? null : targets.every(holds))
    return [{ ...common, target, met: every((each) => each.met(comparison)), withinGate: every((each) => each.within(comparison)) }]
  })
}

export interface ValueTarget {
  readonly text: string
  readonly met: boolean
  /** The generous bound. Default: `met`. */
  readonly within?: boolean
}

/** A row of something else than throughput. */
export function valueRow(scenario: string, subject: string, value: number, unit: string, target?: ValueTarget): Row {
  const nothing = { messagesPerSecond: null, cpuMicrosPerMessage: null, ratioToRaw: null, cpuRatioToRaw: null }
  return {
    scenario,
    subject,
    ...nothing,
    value,
    unit,
    target: target?.text ?? null,
    met: target?.met ?? null,
    withinGate: target?.within ?? target?.met ?? null,
  }
}

function compare({ name: scenario, raw, subjects }: Scenario, subject: string, samples: Samples): Comparison {
  const against = (other: string): { throughput: Interval; cpu: Interval } => ({
    throughput: ratioInterval(samples.ratios(scenario, subject, other, messagesPerSecond)),
    cpu: ratioInterval(samples.ratios(scenario, subject, other, cpuMicrosPerMessage)),
  })
  const toRaw = raw !== undefined && raw !== subject && subjects.some(({ name }) => name === raw) ? against(raw) : undefined
  const throughput = median(samples.of(scenario, subject).map(messagesPerSecond))
  return { messagesPerSecond: throughput, ratioToRaw: toRaw?.throughput ?? null, cpuRatioToRaw: toRaw?.cpu ?? null, against }
}
