import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolders, root } from '../run/paths.ts'

/** One way into a published package. */
export interface Entry {
  /** Folder name below `packages/`. */
  readonly folder: string
  /** What a user writes: `@busbar/core/driver`. */
  readonly specifier: string
  /** The source file, absolute. */
  readonly source: string
}

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | { readonly 'busbar-source': string }>>
}

/** All entries of all packages, in the order of their manifests. */
export function entries(): Entry[] {
  return packageFolders.flatMap((folder) => {
    const home = join(root, 'packages', folder)
    const manifest = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8')) as Manifest
    return Object.entries(manifest.exports).flatMap(([path, target]) =>
      typeof target === 'string' ? [] : [{ folder, specifier: join(manifest.name, path).replaceAll('\\', '/'), source: join(home, target['busbar-source']) }],
    )
  })
}
