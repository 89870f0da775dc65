import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { dockerProblem, fetchImage } from '../core/docker.ts'
import { findFirst } from '../core/find.ts'
import type { Way } from '../core/find.ts'
import { hostPlace } from '../core/place.ts'
import type { Place } from '../core/place.ts'
import { run } from '../core/run.ts'
import type { Skipped } from '../core/skip.ts'
import { hostSuite } from '../debian/host.ts'
import { install } from '../debian/install.ts'
import { chrootPlace, directPlace, findDoor, furnishRoot } from '../debian/trees.ts'
import { unpacked } from '../debian/unpack.ts'

export type RedisSource =
  | { readonly how: 'environment'; readonly url: string }
  | { readonly how: 'docker'; readonly image: string }
  | { readonly how: 'path' | 'unpacked' | 'installed'; readonly place: Place; readonly program: string }

export interface SourceOptions {
  readonly own: boolean
  readonly onProgress: (text: string) => void
}

const variable = 'BUSBAR_REDIS_URL'
const major = 7
/** The release whose Redis is of that version. */
const suite = 'bookworm'
const packages = ['redis-server']
/** What a tree of its own needs beside the closure of the packages. */
const shellTools = ['base-files', 'dash']

/** Looks for a Redis of the same major version. */
export function findRedis(options: SourceOptions): Promise<RedisSource | Skipped> {
  const ways: Way<RedisSource>[] = [
    { how: 'environment', find: async () => fromEnvironment(options.own) },
    { how: 'path', find: () => fromMachine('path') },
    { how: 'docker', find: () => fromDocker() },
    { how: 'unpacked', find: () => fromPackages(options) },
    { how: 'installed', find: async () => (await install(suite, packages)) ?? fromMachine('installed') },
  ]
  const remedy = `set ${variable}, install redis-server ${major}.x, start Docker, or run on Debian with access to its package mirror (as root when the release differs)`
  return findFirst(`Redis ${major}`, ways, remedy)
}

function fromEnvironment(own: boolean): RedisSource | string {
  const url = process.env[variable]
  if (url === undefined || url === '') return `${variable} is not set`
  if (own) return `${variable} is not an instance of our own`
  return { how: 'environment', url }
}

async function fromMachine(how: 'path' | 'installed'): Promise<RedisSource | string> {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const program = join(folder, 'redis-server')
    const found = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (found && new RegExp(`\\bv=${major}\\.`).test((await run(program, ['--version'])).stdout)) return { how, place: hostPlace(), program }
  }
  return `no redis-server ${major}.x is installed`
}

async function fromDocker(): Promise<RedisSource | string> {
  const image = `redis:${major}`
  return (await dockerProblem()) ?? (await fetchImage(image)) ?? { how: 'docker', image }
}

async function fromPackages({ onProgress }: SourceOptions): Promise<RedisSource | string> {
  const direct = (await hostSuite()) === suite
  const result = await unpacked({
    key: `redis-${major}-${suite}${direct ? '' : '-root'}`,
    suite,
    packages: direct ? packages : [...packages, ...shellTools],
    // A tree that runs directly shares the libraries of the machine.
    ...(direct && { present: (name: string) => !name.startsWith('redis') }),
    finish: direct ? async () => {} : furnishRoot,
    onProgress: (text) => onProgress(`Redis ${major}: ${text}`),
  })
  if (typeof result === 'string') return result
  const { tree } = result
  const program = '/usr/bin/redis-server'
  if (direct) return { how: 'unpacked', place: await directPlace(tree), program: tree + program }
  const door = await findDoor(tree)
  return typeof door === 'string' ? door : { how: 'unpacked', place: chrootPlace(tree, door), program }
}
