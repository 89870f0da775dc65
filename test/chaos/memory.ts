const mebibyte = 2 ** 20
/** Samples come twice a second: of a process that lived for less than a minute nothing can be said but the bound. */
const enoughSamples = 120

/**
 * A sentence if a process had more memory than `mostBytes`, or had ever more of it: in its last quarter more than in its second by half and by 48 MiB, without falling
 * back to what that was. What falls back is garbage: a process with little to do collects it once in some minutes.
 */
export function memoryProblem(name: string, samples: readonly number[], mostBytes: number): string | undefined {
  const most = highest(samples)
  if (most > mostBytes) return `memory: ${name} had ${inMebibytes(most)}, more than ${inMebibytes(mostBytes)}`
  if (samples.length < enoughSamples) return undefined
  const quarter = Math.floor(samples.length / 4)
  const last = samples.slice(-quarter)
  const [early, late] = [highest(samples.slice(quarter, 2 * quarter)), highest(last)]
  if (late <= early * 1.5 || late - early <= 48 * mebibyte || Math.min(...last) <= early) return undefined
  return `memory: ${name} grew from ${inMebibytes(early)} to ${inMebibytes(late)}`
}

export function highest(samples: readonly number[]): number {
  return samples.reduce((most, sample) => Math.max(most, sample), 0)
}

function inMebibytes(bytes: number): string {
  return `${Math.round(bytes / mebibyte)} MiB`
}
