/**
 * The committed record of every public declaration, `docs/reference/api/<package>.api.md`: a change of the API shows in review.
 *
 *   node test/run/bootstrap.mjs test/packaging/api-report.ts --write
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'tsdown'
import { cache, packageFolders, root } from '../run/paths.ts'
import { withoutComments } from '../run/source-text.ts'
import { entries, type Entry } from './entries.ts'

const home = join(root, 'docs', 'reference', 'api')

/** The reports as they should be, by file name. */
export async function apiReports(): Promise<Map<string, string>> {
  const reports = new Map<string, string>()
  for (const folder of packageFolders) {
    const sections: string[] = []
    for (const entry of entries().filter((candidate) => candidate.folder === folder)) sections.push(await section(entry))
    reports.set(`${folder}.api.md`, `# API of @busbar/${folder}\n\nGenerated from the built declarations; do not edit.\n\n${sections.join('\n')}`)
  }
  return reports
}

/** What differs between the committed reports and the code. */
export async function apiReportErrors(): Promise<string[]> {
  const reports = await apiReports()
  const remedy = 'if the change is meant: node test/run/bootstrap.mjs test/packaging/api-report.ts --write'
  const stale = (existsSync(home) ? readdirSync(home) : [])
    .filter((file) => !reports.has(file))
    .map((file) => `docs/reference/api/${file} belongs to no package`)
  const changed = [...reports].flatMap(([file, text]) => {
    const committed = existsSync(join(home, file)) ? readFileSync(join(home, file), 'utf8') : ''
    return committed === text ? [] : [`docs/reference/api/${file} differs, first at line ${firstDifference(committed, text)}; ${remedy}`]
  })
  return [...stale, ...changed]
}

async function section(entry: Entry): Promise<string> {
  const outDir = join(cache, 'api', entry.specifier)
  await build({
    config: false,
    cwd: join(root, 'packages', entry.folder),
    entry: { index: entry.source },
    outDir,
    format: 'esm',
    fixedExtension: false,
    dts: { emitDtsOnly: true },
    report: false,
    logLevel: 'warn',
    failOnWarn: true,
  })
  return `## ${entry.specifier}\n\n\`\`\`ts\n${declarations(readFileSync(join(outDir, 'index.d.ts'), 'utf8'))}\n\`\`\`\n`
}

/** Declarations without comments and blank lines, exported names one per line, so that a difference shows what changed. */
function declarations(text: string): string {
  return withoutComments(text)
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .join('\n')
    .replaceAll('\t', '  ')
    .replaceAll(
      /^(export (?:type )?\{) (.+) (\};)$/gm,
      (_, open: string, names: string, close: string) => `${open}\n  ${names.replaceAll(', ', ',\n  ')}\n${close}`,
    )
}

function firstDifference(committed: string, current: string): number {
  const before = committed.split('\n')
  const after = current.split('\n')
  return after.findIndex((line, index) => line !== before[index]) + 1 || after.length + 1
}

if (import.meta.main) {
  if (process.argv.includes('--write')) {
    rmSync(home, { recursive: true, force: true })
    mkdirSync(home, { recursive: true })
    for (const [file, text] of await apiReports()) writeFileSync(join(home, file), text)
  } else {
    const errors = await apiReportErrors()
    for (const error of errors) console.error(error)
    process.exitCode = errors.length === 0 ? 0 : 1
  }
}
