import type { Place } from '../core/place.ts'
import { hostSuite } from './host.ts'
import { chrootPlace, directPlace, findDoor, furnishRoot } from './trees.ts'
import { unpacked } from './unpack.ts'

export interface Wanted {
  /** Name and version, as in `redis-7`: with the release it names the folder in the cache. */
  readonly name: string
  readonly suite: string
  readonly packages: readonly string[]
  /** What a tree of its own needs beside the closure of the packages. */
  readonly shellTools: readonly string[]
  /** Packages that are taken from the tree even where the machine has them. */
  readonly ours: RegExp
  /** Whether the machine has what a tree shares with it, besides the packages. */
  readonly canShare: () => Promise<boolean>
  /** Lets a tree have that. */
  readonly share: (tree: string) => Promise<void>
  readonly onProgress: (text: string) => void
}

export interface Unpacked {
  readonly place: Place
  /** Where the tree is on this machine. */
  readonly tree: string
  /** What paths in it begin with, as its programs see them. */
  readonly root: string
}

/**
 * A place with these packages: a tree that runs directly and shares the libraries of the machine, where that has the same release, and else one that becomes
 * the root folder of its programs.
 */
export async function unpackedPlace(wanted: Wanted): Promise<Unpacked | string> {
  const { name, suite, packages, shellTools, ours, canShare, share, onProgress } = wanted
  const direct = (await hostSuite()) === suite && (await canShare())
  const result = await unpacked({
    key: `${name}-${suite}${direct ? '' : '-root'}`,
    suite,
    packages: direct ? packages : [...packages, ...shellTools],
    ...(direct && { present: (installed: string) => !ours.test(installed) }),
    finish: direct ? share : furnishRoot,
    onProgress,
  })
  if (typeof result === 'string') return result
  const { tree } = result
  if (direct) return { place: await directPlace(tree), tree, root: tree }
  const door = await findDoor(tree)
  return typeof door === 'string' ? door : { place: chrootPlace(tree, door), tree, root: '' }
}
