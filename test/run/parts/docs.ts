import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeBlockErrors, modulesOf } from '../docs/code-blocks.ts'
import { errorCodeErrors } from '../docs/error-codes.ts'
import { linkErrors } from '../docs/links.ts'
import { pages } from '../docs/pages.ts'
import { verdict, type Part } from '../part.ts'
import { root } from '../paths.ts'

/** What the documentation promises. */
export const docsParts: readonly Part[] = [
  {
    name: 'docs',
    budgetSeconds: 10,
    async run({ signal, log }) {
      const all = pages()
      const modules = all.flatMap(modulesOf)
      log(`${all.length} pages, ${modules.length} code blocks`)
      const codes = errorCodeErrors(read('packages/core/src/errors.ts'), read('docs/reference/errors.md'))
      return verdict([...codes, ...linkErrors(all), ...(await codeBlockErrors(modules, signal))], all.length + modules.length + 1)
    },
  },
]

function read(file: string): string {
  return existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''
}
