import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeBlockErrors, modulesOf } from '../docs/code-blocks.ts'
import { exampleErrors, examplesOf } from '../docs/examples.ts'
import { errorCodeErrors } from '../docs/error-codes.ts'
import { linkErrors } from '../docs/links.ts'
import { pages } from '../docs/pages.ts'
import { verdict, type Part } from '../part.ts'
import { root } from '../paths.ts'

/** What the documentation promises. */
export const docsParts: readonly Part[] = [
  {
    name: 'docs',
    budgetSeconds: 25,
    async run({ signal, log }) {
      const all = pages()
      const modules = all.flatMap(modulesOf)
      const examples = examplesOf(modules)
      log(`${all.length} pages, ${modules.length} code blocks, ${examples.length} of them run`)
      const codes = errorCodeErrors(read('packages/core/src/errors.ts'), read('docs/reference/errors.md'))
      const compiled = await codeBlockErrors(modules, signal)
      const ran = await exampleErrors(examples, signal)
      return verdict([...codes, ...linkErrors(all), ...compiled, ...ran], all.length + modules.length + examples.length + 1)
    },
  },
]

function read(file: string): string {
  return existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''
}
