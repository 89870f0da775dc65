import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { script } from './command.ts'
import { sum, type Part, type PartContext, type PartResult } from './part.ts'
import { root } from './paths.ts'
import { skipsIn } from './skip-lines.ts'

export interface ScriptPartOptions extends Omit<Part, 'run'> {
  /** TypeScript file, relative to the repository. */
  readonly entry: string
  /** One run per list of arguments. Default: one run without arguments. */
  readonly runs?: readonly (readonly string[])[]
  /** Reads the counts from the last line; `undefined` when it is not the line that was agreed. */
  readonly read: (lastLine: string) => Counts | undefined
}

export interface Counts {
  readonly passed: number
  readonly failed: number
}

/** A part that runs a script which prints what it does, and its counts in the last line. */
export function scriptPart(options: ScriptPartOptions): Part {
  const { entry, runs = [[]], read, ...part } = options
  return {
    ...part,
    async run(context) {
      const results: PartResult[] = []
      for (const args of runs) results.push(await runScript(entry, args, read, context, part.background))
      return sum(results)
    },
  }
}

async function runScript(
  entry: string,
  args: readonly string[],
  read: ScriptPartOptions['read'],
  context: PartContext,
  background = false,
): Promise<PartResult> {
  const name = [entry, ...args].join(' ')
  if (!existsSync(join(root, entry))) return { passed: 0, failed: 1, skipped: [], failures: [`${entry} does not exist`] }
  const onLine = (line: string): void => {
    if (line.trim() !== '') context.log(line)
  }
  const { code, lines } = await script(join(root, entry), args, { signal: context.signal, background, onLine })
  const skipped = skipsIn(lines)
  const last = lines.findLast((line) => line.trim() !== '') ?? ''
  const counts = skipped.length > 0 ? (read(last) ?? { passed: 0, failed: 0 }) : read(last)
  const failures: string[] = []
  if (counts === undefined) failures.push(`${name}: unexpected last line: ${last}`)
  else if (counts.failed > 0) failures.push(`${name}: ${last}`)
  if (code !== 0 && (counts === undefined || counts.failed === 0)) failures.push(`${name} ended with ${code}`, lines.slice(-20).join('\n'))
  return { passed: counts?.passed ?? 0, failed: Math.max(counts?.failed ?? 0, Math.min(failures.length, 1)), skipped, failures }
}
