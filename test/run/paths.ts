import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const root: string = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '')

/** Folder names below `packages/`: the published packages. */
export const packageFolders: readonly string[] = readdirSync(join(root, 'packages')).toSorted()

/** Scratch space that survives runs and is not committed. */
export const cache: string = join(root, 'node_modules', '.cache', 'busbar')

/** The script behind a tool of the root package, to be run with this Node. */
export function tool(name: string): string {
  return join(root, 'node_modules', '.bin', name)
}

/** All files below `folder`, except what is installed or built. Paths are relative to `base`, the repository by default. */
export function filesBelow(folder: string, ending: string, base: string = root): string[] {
  return readdirSync(join(base, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name).slice(base.length + 1))
    .filter((file) => !/(^|[/\\])(node_modules|dist)[/\\]/.test(file))
    .toSorted()
}
