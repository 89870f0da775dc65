/** A middle value and where the true one lies with a confidence of 95 %. */
export interface Interval {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** The middle value; the mean of the two middle ones where there is an even number. `NaN` without values. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2
}

/**
 * The median of ratios, and the 95 % interval of their geometric mean by Student's t on their logarithms: ratios are symmetric there (twice as fast weighs as
 * much as half as fast), and rounds are few. One ratio alone says nothing about the spread: its interval is everything.
 */
export function ratioInterval(ratios: readonly number[]): Interval {
  const { length } = ratios
  if (length < 2) return { median: median(ratios), low: 0, high: Number.POSITIVE_INFINITY }
  const logarithms = ratios.map((ratio) => Math.log(ratio))
  const mean = logarithms.reduce((total, value) => total + value, 0) / length
  const variance = logarithms.reduce((total, value) => total + (value - mean) ** 2, 0) / (length - 1)
  const half = studentT(length - 1) * Math.sqrt(variance / length)
  return { median: median(ratios), low: Math.exp(mean - half), high: Math.exp(mean + half) }
}

/** 97.5 % quantiles of Student's t for 1 to 30 degrees of freedom: the usual table. */
const quantiles = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069,
  2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
]

/** Above the table, the first term of the expansion around the normal distribution: right to three digits. */
function studentT(degreesOfFreedom: number): number {
  return quantiles[degreesOfFreedom - 1] ?? 1.96 + 2.43 / degreesOfFreedom
}
