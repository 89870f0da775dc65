import { existsSync } from 'node:fs'
import { readdir, realpath } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { dockerProblem, fetchImage } from '../core/docker.ts'
import { findFirst } from '../core/find.ts'
import type { Way } from '../core/find.ts'
import { hostPlace } from '../core/place.ts'
import type { Place } from '../core/place.ts'
import type { Skipped } from '../core/skip.ts'
import { hostSuite } from '../debian/host.ts'
import { install } from '../debian/install.ts'
import { chrootPlace, directPlace, findDoor, furnishRoot, moveErlang } from '../debian/trees.ts'
import { unpacked } from '../debian/unpack.ts'

export type RabbitmqVersion = '3.10' | '4.0'

export type RabbitmqSource =
  | { readonly how: 'environment'; readonly url: string; readonly managementUrl: string | undefined }
  | { readonly how: 'docker'; readonly image: string }
  | { readonly how: 'path' | 'unpacked' | 'installed'; readonly place: Place; readonly programs: string }

export interface SourceOptions {
  readonly version: RabbitmqVersion
  readonly own: boolean
  readonly onProgress: (text: string) => void
}

const suites = { '3.10': 'bookworm', '4.0': 'trixie' } as const
const packages = ['rabbitmq-server']
/** What a tree of its own needs beside the closure of the packages, for the start scripts. */
const shellTools = ['base-files', 'dash', 'coreutils', 'sed', 'grep']

/** Looks for a RabbitMQ of the same major version. */
export function findRabbitmq(options: SourceOptions): Promise<RabbitmqSource | Skipped> {
  const { version } = options
  const variable = `BUSBAR_RABBITMQ_${major(version)}_URL`
  const ways: Way<RabbitmqSource>[] = [
    { how: 'environment', find: async () => fromEnvironment(variable, options.own) },
    { how: 'path', find: () => fromMachine(version, 'path') },
    { how: 'docker', find: () => fromDocker(version) },
    { how: 'unpacked', find: () => fromPackages(options) },
    { how: 'installed', find: async () => (await install(suites[version], packages)) ?? fromMachine(version, 'installed') },
  ]
  const remedy =
    `set ${variable}, install RabbitMQ ${major(version)}.x, start Docker, ` +
    'or run on Debian with access to its package mirror (as root when the release differs)'
  return findFirst(`RabbitMQ ${version}`, ways, remedy)
}

export function major(version: string): string {
  return version.split('.')[0] ?? version
}

function fromEnvironment(variable: string, own: boolean): RabbitmqSource | string {
  const url = process.env[variable]
  if (url === undefined || url === '') return `${variable} is not set`
  if (own) return `${variable} is not an instance of our own`
  return { how: 'environment', url, managementUrl: process.env[variable.replace('_URL', '_MANAGEMENT_URL')] }
}

async function fromMachine(version: RabbitmqVersion, how: 'path' | 'installed'): Promise<RabbitmqSource | string> {
  const programs = await installedPrograms(version)
  if (programs === undefined) return `no RabbitMQ ${major(version)}.x is installed`
  return { how, place: hostPlace(), programs }
}

// The library folder and not what is on the PATH of Debian: that is a wrapper for the system's own instance.
async function installedPrograms(version: RabbitmqVersion): Promise<string | undefined> {
  const libraries = '/usr/lib/rabbitmq/lib'
  const names = existsSync(libraries) ? await readdir(libraries) : []
  const folders = names.map((name) => join(libraries, name, 'sbin'))
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const server = await realpath(join(folder, 'rabbitmq-server')).catch(() => undefined)
    if (server !== undefined) folders.push(join(server, '..'))
  }
  const ofVersion = new RegExp(`rabbitmq(_server-|/)${major(version)}\\.\\d`)
  return folders.find((folder) => ofVersion.test(folder))
}

async function fromDocker(version: RabbitmqVersion): Promise<RabbitmqSource | string> {
  const image = `rabbitmq:${version}-management`
  return (await dockerProblem()) ?? (await fetchImage(image)) ?? { how: 'docker', image }
}

async function fromPackages({ version, onProgress }: SourceOptions): Promise<RabbitmqSource | string> {
  const suite = suites[version]
  const direct = (await hostSuite()) === suite
  const result = await unpacked({
    key: `rabbitmq-${version}-${suite}${direct ? '' : '-root'}`,
    suite,
    packages: direct ? packages : [...packages, ...shellTools],
    // A tree that runs directly shares the libraries of the machine, but never mixes in half an Erlang of the machine.
    ...(direct && { present: (name: string) => !/^(erlang|rabbitmq)/.test(name) }),
    finish: direct ? moveErlang : furnishRoot,
    onProgress: (text) => onProgress(`RabbitMQ ${version}: ${text}`),
  })
  if (typeof result === 'string') return result
  const { tree } = result
  const programs = '/usr/lib/rabbitmq/bin'
  if (direct) return { how: 'unpacked', place: await directPlace(tree), programs: tree + programs }
  const door = await findDoor(tree)
  return typeof door === 'string' ? door : { how: 'unpacked', place: chrootPlace(tree, door), programs }
}
