import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { filesBelow, packageFolders, root } from '../paths.ts'

/** A Markdown file of the project. */
export interface Page {
  /** Relative to the repository. */
  readonly file: string
  readonly text: string
}

/** The README files and everything below `docs/`, but for the API reports, which are records and not prose. */
export function pages(base: string = root): Page[] {
  const readmes = ['README.md', ...packageFolders.map((folder) => `packages/${folder}/README.md`)].filter((file) => existsSync(join(base, file)))
  const docs = filesBelow('docs', '.md', base).filter((file) => !file.startsWith(join('docs', 'reference', 'api')))
  return [...readmes, ...docs].map((file) => ({ file, text: readFileSync(join(base, file), 'utf8') }))
}
