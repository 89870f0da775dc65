import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { script } from './command.ts'
import type { Part, PartContext, PartResult, Skip } from './part.ts'
import { cache, filesBelow, root } from './paths.ts'
import { skipsIn } from './skip-lines.ts'
import type { VitestCounts } from './vitest-reporter.ts'

export interface VitestPartOptions extends Omit<Part, 'run'> {
  /** Folders whose `*.test.ts` files run, and single files, relative to the repository. */
  readonly folders: readonly string[]
  /** Folders and files below them that other parts run. */
  readonly except?: readonly string[]
  /** Files that run at once. Default: 2 where nothing else runs, else 1. More where they wait for most of their time. */
  readonly workers?: number
  /** Whether each file has a process and modules of its own, at a fifth to a third of a second each. Default true. */
  readonly isolate?: boolean
  /** Files that begin first, the longest one in front. */
  readonly first?: readonly string[]
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>
}

/** A part that knows its test files. */
export interface VitestPart extends Part {
  readonly first: readonly string[]
  readonly files: () => readonly string[]
}

/** A part that runs test files with vitest. No test file where some are expected is a failure. */
export function vitestPart(options: VitestPartOptions): VitestPart {
  const { folders, except = [], workers, isolate = true, first = [], env, ...part } = options
  const files = (): readonly string[] => testFiles(folders, except)
  return {
    ...part,
    first,
    files,
    run: (context) =>
      runVitest({ ...part, workers: workers ?? (part.alone === true ? 2 : 1), isolate, env: { BUSBAR_FIRST: first.join(','), ...env } }, files(), context),
  }
}

/** The test files among and below `folders`, and not among or below `except`. What does not exist has none. */
export function testFiles(folders: readonly string[], except: readonly string[]): string[] {
  return folders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => (folder.endsWith('.test.ts') ? [folder] : filesBelow(folder, '.test.ts')))
    .filter((file) => !except.some((folder) => file === folder || file.startsWith(`${folder}/`)))
}

interface Run extends Omit<Part, 'run'> {
  readonly workers: number
  readonly isolate: boolean
  readonly env: Readonly<Record<string, string>> | undefined
}

async function runVitest({ name, workers, isolate, env }: Run, files: readonly string[], context: PartContext): Promise<PartResult> {
  if (files.length === 0) return { passed: 0, failed: 1, skipped: [], failures: ['there is no test file'] }
  const countsFile = join(cache, `vitest-${name}.json`)
  mkdirSync(cache, { recursive: true })
  rmSync(countsFile, { force: true })
  const reporter = join(root, 'test', 'run', 'vitest-reporter.ts')
  const args = [
    'run',
    '--config',
    'test/vitest.config.ts',
    '--reporter=default',
    `--reporter=${reporter}`,
    `--maxWorkers=${workers}`,
    `--isolate=${isolate}`,
    ...files,
  ]
  const { code, lines } = await script(join(root, 'node_modules', 'vitest', 'vitest.mjs'), args, {
    env: { BUSBAR_VITEST_COUNTS: countsFile, ...env },
    signal: context.signal,
    onLine: (line) => line.trim() !== '' && context.log(line),
  })
  if (!existsSync(countsFile)) return { passed: 0, failed: 1, skipped: [], failures: [`vitest ended with ${code} and no result`, ...lines.slice(-20)] }
  return toResult(JSON.parse(readFileSync(countsFile, 'utf8')), skipsIn(lines), code)
}

function toResult(counts: VitestCounts, printed: readonly Skip[], code: number | null): PartResult {
  const unexplained = code !== 0 && counts.failed === 0 ? [`vitest ended with ${code}`] : []
  return {
    passed: counts.passed,
    failed: counts.failed + unexplained.length,
    skipped: skips(counts.skipped, printed),
    failures: [...counts.failures, ...unexplained],
  }
}

/** What was printed explains the tests that were skipped without a note; where no test was skipped, each printed skip counts itself. */
function skips(counts: VitestCounts['skipped'], printed: readonly Skip[]): Skip[] {
  const { '': bare = 0, ...noted } = counts
  const fromNotes = Object.entries(noted).map(([note, count]) => ({
    ...(skipsIn([note])[0] ?? { what: 'tests', reason: note, remedy: 'see the reason' }),
    count,
  }))
  if (bare > 0) {
    const reason = printed.map((skip) => `${skip.what}: ${skip.reason}`).join('; ') || 'no reason given'
    const remedy = printed.map((skip) => skip.remedy).join('; ') || 'give a reason: context.skip(reason)'
    return [...fromNotes, { what: 'tests', reason, remedy, count: bare }]
  }
  const known = new Set(fromNotes.map((skip) => skip.reason))
  return [...fromNotes, ...printed.filter((skip) => !known.has(skip.reason))]
}
