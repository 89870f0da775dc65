import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../core/run.ts'
import type { RunResult } from '../core/run.ts'
import { configuredMirrors, hostSuite } from './host.ts'

export interface Download {
  readonly suite: string
  readonly packages: readonly string[]
  /** Packages of this machine that count as present and are not downloaded; none when left out. */
  readonly present?: (name: string) => boolean
  /** Private folder for apt's state and the downloaded files. */
  readonly folder: string
  readonly onProgress: (text: string) => void
}

const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * Downloads packages of any Debian release with all they need, and gives the paths of the files.
 * Uses the mirror of the machine's own configuration and a private apt state: nothing of the system is read from or
 * written to, and apt checks signatures and checksums. A string is the reason why it did not work.
 */
export async function download(wanted: Download): Promise<string[] | string> {
  const own = await hostSuite()
  if (own === undefined) return 'this machine does not run Debian'
  const mirrors = await configuredMirrors(own)
  let problem = `apt has no source for ${own}`
  for (const mirror of mirrors) {
    const result = await downloadFrom(mirror, wanted)
    if (typeof result !== 'string') return result
    problem = result
  }
  return problem
}

async function downloadFrom(mirror: string, wanted: Download): Promise<string[] | string> {
  const { suite, packages, folder, onProgress } = wanted
  const lists = join(folder, 'state', 'lists', 'partial')
  const archives = join(folder, 'cache', 'archives')
  await mkdir(lists, { recursive: true })
  await mkdir(join(archives, 'partial'), { recursive: true })
  const status = join(folder, 'state', 'status')
  await writeFile(status, wanted.present === undefined ? '' : await statusOf(wanted.present))
  const sources = join(folder, 'sources.list')
  const signed = existsSync(keyring) ? `[signed-by=${keyring}] ` : ''
  await writeFile(sources, `deb ${signed}${mirror} ${suite} main\n`)

  const apt = (...args: string[]): Promise<RunResult> => run('apt-get', [...settings(folder, sources), ...args], { timeoutMs: 600_000 })
  onProgress(`reading the package list of Debian ${suite}`)
  const updated = await apt('update')
  if (!updated.ok) return updated.problem
  const planned = await apt('install', '--print-uris', ...packages)
  if (!planned.ok) return planned.problem
  const sizes = [...planned.stdout.matchAll(/^'[^']+' \S+ (\d+)/gm)].map(([, size]) => Number(size))
  const megabytes = Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / 1e6)
  onProgress(`downloading ${sizes.length} packages of Debian ${suite}, ${megabytes} MB`)
  const fetched = await apt('install', '--download-only', ...packages)
  if (!fetched.ok) return fetched.problem
  const files = await readdir(archives)
  return files.filter((file) => file.endsWith('.deb')).map((file) => join(archives, file))
}

function settings(folder: string, sources: string): string[] {
  const options = {
    'Dir::State': join(folder, 'state'),
    'Dir::State::status': join(folder, 'state', 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Cache::archives': join(folder, 'cache', 'archives'),
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '-',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '-',
    'APT::Default-Release': '',
    'APT::Install-Recommends': 'false',
    // The user that apt changes to cannot write to a private folder of root's.
    'APT::Sandbox::User': 'root',
    // Else an unreachable mirror is a mere warning, and the packages are then said not to exist.
    'APT::Update::Error-Mode': 'any',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '20',
    'Acquire::https::Timeout': '20',
  }
  return ['-qq', '--yes', ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])]
}

async function statusOf(present: (name: string) => boolean): Promise<string> {
  const status = await readFile('/var/lib/dpkg/status', 'utf8')
  const kept = status.split('\n\n').filter((entry) => present(/^Package: (.*)$/m.exec(entry)?.[1] ?? ''))
  return kept.join('\n\n')
}
