import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from '../core/run.ts'

/** The code name of the Debian release that this machine runs, `undefined` when it is none. */
export async function hostSuite(): Promise<string | undefined> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '')
  const field = (name: string): string | undefined => new RegExp(`^${name}="?([^"\\n]*)"?$`, 'm').exec(text)?.[1]
  return field('ID') === 'debian' ? field('VERSION_CODENAME') : undefined
}

/** The Debian archives that the machine's own apt configuration names for its own release, likeliest first. */
export async function configuredMirrors(suite: string): Promise<string[]> {
  // An empty state: the answer then comes from the configuration alone, with or without `apt-get update` before.
  const state = join(tmpdir(), 'busbar-no-apt-state')
  const listed = await run('apt-get', ['update', '--print-uris', '-o', `Dir::State=${state}`])
  const archives = [...listed.stdout.matchAll(/^'([^']+)\/dists\/([^/']+)\/InRelease'/gm)]
  const mirrors = archives.filter(([, , name]) => name === suite || name === 'stable').map(([, mirror]) => mirror ?? '')
  // Vendors also name their suites after the release, but only Debian's own archive has an `-updates` suite.
  const isDebian = (mirror: string): boolean => archives.some(([, other, name]) => other === mirror && name?.endsWith('-updates') === true)
  return [...mirrors.filter(isDebian), ...mirrors.filter((mirror) => !isDebian(mirror))]
}
