/** Fewer samples than this in the half that counts say nothing. */
const fewest = 10
/** What grows by less of itself is flat. */
const flatPart = 0.05
/** Growth has to be so many times the noise: the slope of noise alone is less than one time. */
const noises = 4
/** Makes of the median deviation the standard deviation of what is normally distributed. */
const toDeviation = 1.4826

export interface GrowthOptions {
  /** Growth that is none, in the unit of the values. */
  readonly atLeast: number
  /** Default `bytes`. */
  readonly unit?: 'bytes' | 'count'
}

/** What became of values that were taken at equal distances, in the second half of them. */
export interface Trend {
  /** From the first to the last, by the median of all slopes: a few values that are far off don't matter. */
  readonly growth: number
  /** Standard deviation around that line. */
  readonly noise: number
  readonly median: number
}

/** `undefined` for too few values. */
export function trendOf(values: readonly number[]): Trend | undefined {
  const half = values.slice(Math.floor(values.length / 2))
  if (half.length < fewest) return undefined
  const slope = median(half.flatMap((later, at) => half.slice(0, at).map((earlier, before) => (later - earlier) / (at - before))))
  const middle = (half.length - 1) / 2
  const level = median(half.map((value, at) => value - slope * (at - middle)))
  const noise = toDeviation * median(half.map((value, at) => Math.abs(value - level - slope * (at - middle))))
  return { growth: slope * (half.length - 1), noise, median: level }
}

/** A sentence if the values went on growing in their second half: by more than `atLeast`, than a twentieth, and than noise explains. */
export function growthProblem(name: string, values: readonly number[], { atLeast, unit = 'bytes' }: GrowthOptions): string | undefined {
  const trend = trendOf(values)
  if (trend === undefined) return undefined
  const { growth, noise, median: level } = trend
  if (growth <= Math.max(atLeast, flatPart * Math.abs(level), noises * noise)) return undefined
  return `${name} grew by ${shown(growth, unit)} in the second half, around ${shown(level, unit)}`
}

export function shown(value: number, unit: 'bytes' | 'count'): string {
  return unit === 'bytes' ? `${(value / 2 ** 20).toFixed(1)} MiB` : String(Math.round(value))
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.ceil(middle) - 1] ?? 0) + (sorted[Math.floor(middle)] ?? 0)) / 2
}
