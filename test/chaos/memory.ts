const mebibyte = 2 ** 20
const muchBytes = 48 * mebibyte
/** Samples come twice a second: of a process that lived for less than a minute nothing can be said but the bound. */
const enoughSamples = 120

/**
 * A sentence if a process had more memory than `mostBytes`, or had ever more of it: in its last quarter by half and by 48 MiB more than in its second. What it had at the
 * most is compared, if it did not fall back to what that was: what falls back is garbage, which a process with little to do collects once in some minutes. If garbage was
 * collected in the last quarter, what it had at the least is compared as well. Of fewer samples than `enough`, default 120, growth is not judged.
 */
export function memoryProblem(name: string, samples: readonly number[], mostBytes: number, enough: number = enoughSamples): string | undefined {
  const most = highest(samples)
  if (most > mostBytes) return `memory: ${name} had ${inMebibytes(most)}, more than ${inMebibytes(mostBytes)}`
  if (samples.length < enough) return undefined
  const quarter = Math.floor(samples.length / 4)
  const [early, late] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)]
  const [earlyMost, lateMost, earlyLeast, lateLeast] = [highest(early), highest(late), Math.min(...early), Math.min(...late)]
  if (isMore(lateMost, earlyMost) && lateLeast > earlyMost) return `memory: ${name} grew from ${inMebibytes(earlyMost)} to ${inMebibytes(lateMost)}`
  if (isMore(lateLeast, earlyLeast) && wasCollected(late))
    return `memory: ${name} grew from ${inMebibytes(earlyLeast)} to ${inMebibytes(lateLeast)} at the least`
  return undefined
}

function isMore(late: number, early: number): boolean {
  return late > early * 1.5 && late - early > muchBytes
}

/** It fell by much: what is left is no garbage. */
function wasCollected(samples: readonly number[]): boolean {
  let most = 0
  return samples.some((sample) => {
    most = Math.max(most, sample)
    return most - sample > muchBytes
  })
}

export function highest(samples: readonly number[]): number {
  return samples.reduce((most, sample) => Math.max(most, sample), 0)
}

function inMebibytes(bytes: number): string {
  return `${Math.round(bytes / mebibyte)} MiB`
}
