import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { withLock } from '../core/lock.ts'
import { run } from '../core/run.ts'
import { download } from './download.ts'

export interface Unpacking {
  /** Name of the folder in the cache. */
  readonly key: string
  readonly suite: string
  readonly packages: readonly string[]
  readonly present?: (name: string) => boolean
  /** Last changes to the new tree; `final` is the path under which it will be used. */
  readonly finish: (tree: string, final: string) => Promise<void>
  readonly onProgress: (text: string) => void
}

function cacheFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return process.env['BUSBAR_BROKER_CACHE'] ?? join(cache, 'busbar', 'brokers')
}

/** The folder with the unpacked packages, filled at the first call on this machine. */
export async function unpacked(wanted: Unpacking): Promise<{ readonly tree: string } | string> {
  const folder = cacheFolder()
  const tree = join(folder, wanted.key)
  // The tree appears in one step, by renaming. When it is there, it is complete.
  if (existsSync(tree)) return { tree }
  try {
    await mkdir(folder, { recursive: true })
  } catch (error) {
    return `cannot make the cache folder (${String(error)})`
  }
  return await withLock(join(folder, `${wanted.key}.lock`), async () => {
    if (existsSync(tree)) return { tree }
    await removeRemains(folder, wanted.key)
    // A new name each time: a command that an interrupted fill left behind may still write into its folder.
    const partial = await mkdtemp(join(folder, `${wanted.key}.partial-`))
    const problem = await fill(partial, tree, wanted)
    if (problem === undefined) await rename(join(partial, 'tree'), tree)
    await rm(partial, { recursive: true, force: true })
    return problem ?? { tree }
  })
}

async function fill(partial: string, final: string, wanted: Unpacking): Promise<string | undefined> {
  const tree = join(partial, 'tree')
  await mkdir(join(tree, 'tmp'), { recursive: true })
  const files = await download({ ...wanted, folder: join(partial, 'apt') })
  if (typeof files === 'string') return files
  wanted.onProgress(`unpacking ${files.length} packages`)
  for (const file of files.toSorted(baseFirst)) {
    const { ok, problem } = await run('dpkg-deb', ['--extract', file, tree])
    if (!ok) return problem
  }
  await writeFile(join(tree, 'packages.txt'), files.map((file) => `${basename(file)}\n`).join(''))
  await wanted.finish(tree, final)
  return undefined
}

async function removeRemains(folder: string, key: string): Promise<void> {
  const remains = (await readdir(folder)).filter((name) => name.startsWith(`${key}.partial-`))
  for (const name of remains) await rm(join(folder, name), { recursive: true, force: true }).catch(() => {})
}

// base-files brings the links /bin → usr/bin and the like, which must be there before something is put in their place.
function baseFirst(one: string, other: string): number {
  const rank = (file: string): number => (basename(file).startsWith('base-files_') ? 0 : 1)
  return rank(one) - rank(other)
}
