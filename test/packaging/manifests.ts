import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageFolders } from '../run/paths.ts'

/** What must hold for every packed manifest: it names only files that are shipped, and nothing that exists only in the repository. */
export function manifestErrors(project: string): string[] {
  return packageFolders.flatMap((folder) => {
    const home = join(project, 'node_modules', '@busbar', folder)
    const text = readFileSync(join(home, 'package.json'), 'utf8')
    const errors = ['busbar-source', 'workspace:', 'catalog:', './src/'].filter((word) => text.includes(word)).map((word) => `the packed manifest says ${word}`)
    const missing = shippedPaths(text).filter((path) => !existsSync(join(home, path)))
    const needed = ['README.md', 'LICENSE'].filter((file) => !existsSync(join(home, file)))
    return [...errors, ...missing.map((path) => `exports ${path}, which is not shipped`), ...needed.map((file) => `ships no ${file}`)].map(
      (error) => `@busbar/${folder}: ${error}`,
    )
  })
}

function shippedPaths(manifest: string): string[] {
  const { exports } = JSON.parse(manifest) as { readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>> }
  return Object.values(exports).flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
}
