import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { codeBlockErrors, modulesOf } from '../docs/code-blocks.ts'
import { exampleErrors, examplesOf } from '../docs/examples.ts'
import { errorCodeErrors } from '../docs/error-codes.ts'
import { linkErrors } from '../docs/links.ts'
import { logEventErrors } from '../docs/log-events.ts'
import { documentedOptions, optionErrors } from '../docs/options.ts'
import { pages } from '../docs/pages.ts'
import { verdict, type Part } from '../part.ts'
import { filesBelow, packageFolders, root } from '../paths.ts'

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
      const options = optionErrors(documentedOptions, read('docs/reference/defaults.md'), read)
      const events = logEventErrors(sources(), read('docs/reference/log-events.md'))
      const compiled = await codeBlockErrors(modules, signal)
      const ran = await exampleErrors(examples, signal)
      return verdict([...codes, ...options, ...events, ...linkErrors(all), ...compiled, ...ran], all.length + modules.length + examples.length + 3)
    },
  },
]

/** What is published; the suite's own drivers and the helpers of tests log for nobody. */
function sources(): { readonly file: string; readonly text: string }[] {
  return packageFolders
    .filter((folder) => folder !== 'contract-tests')
    .flatMap((folder) => filesBelow(join('packages', folder, 'src'), '.ts'))
    .filter((file) => !file.endsWith('.test.ts') && !file.includes('test-support'))
    .map((file) => ({ file, text: read(file) }))
}

function read(file: string): string {
  return existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''
}
