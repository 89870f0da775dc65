import { install } from '../debian/install.ts'
import { unpackedPlace } from '../debian/unpacked-place.ts'
import type { Unpacked } from '../debian/unpacked-place.ts'
import { dockerProblem, fetchImage } from './docker.ts'
import { findFirst } from './find.ts'
import type { Way } from './find.ts'
import { hostPlace } from './place.ts'
import type { Place } from './place.ts'
import type { Skipped } from './skip.ts'

/** A broker that needs no more than programs and a place to run them. `P`: what one must know to run it, such as the path of its program. */
export interface Service<P extends object> {
  /** Name and version, for messages. */
  readonly broker: string
  /** Name and version of the folder in the cache. */
  readonly name: string
  /** The environment variable with the URL of one that runs already. Without it there is none. */
  readonly variable?: string
  readonly image: string
  /** The Debian release that has that version. */
  readonly suite: string
  readonly packages: readonly string[]
  /** Packages that are taken from the tree even where the machine has them. */
  readonly ours: RegExp
  /** Whether the machine has what such a tree shares with it, besides libraries. Default: it has. */
  canShare?(): Promise<boolean>
  /** Lets such a tree have it. */
  share?(tree: string): Promise<void>
  /** What to install where there is no Debian, for the remedy. */
  readonly toInstall: string
  /** The right version on this machine itself, or why there is none. */
  installed(): Promise<P | string>
  /** The same in a tree of Debian's packages. */
  inTree(unpacked: Unpacked): Promise<P>
}

export type Source<P> =
  | { readonly how: 'environment'; readonly url: string }
  | { readonly how: 'docker'; readonly image: string }
  | { readonly how: 'path' | 'unpacked' | 'installed'; readonly place: Place; readonly programs: P }

export interface SourceOptions {
  readonly own: boolean
  readonly onProgress: (text: string) => void
}

/** What the start scripts of packages need beside their closure, in a tree of its own. */
const shellTools = ['base-files', 'dash']

/** Looks for a broker of the right version, in the order of the ways. */
export function findService<P extends object>(service: Service<P>, options: SourceOptions): Promise<Source<P> | Skipped> {
  const { broker, variable, suite, packages, toInstall } = service
  const onMachine = async (how: 'path' | 'installed'): Promise<Source<P> | string> => {
    const programs = await service.installed()
    return typeof programs === 'string' ? programs : { how, place: hostPlace(), programs }
  }
  const ways: Way<Source<P>>[] = [
    { how: 'path', find: () => onMachine('path') },
    { how: 'docker', find: () => fromDocker(service) },
    { how: 'unpacked', find: () => fromPackages(service, options) },
    { how: 'installed', find: async () => (await install(suite, packages)) ?? onMachine('installed') },
  ]
  if (variable !== undefined) ways.unshift({ how: 'environment', find: async () => fromEnvironment(variable, options.own) })
  const set = variable === undefined || options.own ? '' : `set ${variable}, `
  return findFirst(
    broker,
    ways,
    `${set}install ${toInstall}, start Docker, or run on Debian with access to its package mirror (as root when the release differs)`,
  )
}

function fromEnvironment(variable: string, own: boolean): { readonly how: 'environment'; readonly url: string } | string {
  const url = process.env[variable]
  if (url === undefined || url === '') return `${variable} is not set`
  if (own) return `${variable} is not an instance of our own`
  return { how: 'environment', url }
}

async function fromDocker<P extends object>({ image }: Service<P>): Promise<Source<P> | string> {
  return (await dockerProblem()) ?? (await fetchImage(image)) ?? { how: 'docker', image }
}

async function fromPackages<P extends object>(service: Service<P>, { onProgress }: SourceOptions): Promise<Source<P> | string> {
  const { broker, name, suite, packages, ours } = service
  const canShare = async (): Promise<boolean> => (await service.canShare?.()) ?? true
  const share = async (tree: string): Promise<void> => service.share?.(tree)
  const found = await unpackedPlace({ name, suite, packages, shellTools, ours, canShare, share, onProgress: (text) => onProgress(`${broker}: ${text}`) })
  return typeof found === 'string' ? found : { how: 'unpacked', place: found.place, programs: await service.inTree(found) }
}
