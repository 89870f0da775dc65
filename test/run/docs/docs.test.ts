import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { codeBlockErrors, modulesOf, type Module } from './code-blocks.ts'
import { errorCodeErrors } from './error-codes.ts'
import { exampleErrors, examplesOf } from './examples.ts'
import { linkErrors } from './links.ts'
import { logEventErrors } from './log-events.ts'
import { optionErrors } from './options.ts'

const never = new AbortController().signal

describe('error codes', () => {
  const source = `export type ErrorCode =\n  | 'ERR_A'\n  | 'ERR_B'\n\nexport const x = 'ERR_NOT_A_CODE'`

  it('and their entries are the same', () => {
    expect(errorCodeErrors(source, '# Errors\n\n## ERR_A\n\n### `ERR_B`\n')).toEqual([])
  })

  it('are refused where an entry is missing, unknown or repeated', () => {
    expect(errorCodeErrors(source, '## ERR_A\n## ERR_A\n## ERR_C\n')).toEqual([
      'docs/reference/errors.md has no entry for ERR_B',
      'docs/reference/errors.md has an entry for ERR_C, which is no code',
      'docs/reference/errors.md has more than one entry for ERR_A',
    ])
    expect(errorCodeErrors('', '## ERR_A')).toHaveLength(1)
  })
})

describe('log events', () => {
  const sources = [
    { file: 'packages/core/src/a.ts', text: "log('warn', 'lease:lost', { source })\nlog(gone ? 'error' : 'warn', gone ? 'key:gone' : 'key:there', {})" },
    { file: 'packages/mqtt/src/b.ts', text: "tell(record, { event: 'record:corrupt', reason })\nimport { join } from 'node:path'" },
  ]

  it('and their entries are the same, by package', () => {
    const page =
      '# Log events\n\n## core\n\n| Event |\n|---|\n| `lease:lost` | warn |\n| `key:gone`, `key:there` | |\n\n## mqtt\n\n| `record:corrupt` | see `lease:lost` |\n'
    expect(logEventErrors(sources, page)).toEqual([])
  })

  it('are refused where an entry is missing, unknown or in the wrong place', () => {
    expect(logEventErrors(sources, '## core\n\n| `lease:lost` |\n| `key:gone` |\n| `record:corrupt` |\n')).toEqual([
      'docs/reference/log-events.md does not list core key:there',
      'docs/reference/log-events.md does not list mqtt record:corrupt',
      'docs/reference/log-events.md lists core record:corrupt, which nothing logs',
    ])
    expect(logEventErrors([], '## core\n')).toHaveLength(1)
  })
})

describe('options', () => {
  const source =
    'export interface OrderOptions extends Pick<\n  Other,\n  "a"\n> {\n  /** Text. */\n  readonly maxBytes?: number\n  readonly name: string\n}\n\ninterface Other {\n  readonly b: string\n}\n'
  const of = (name: string): { file: string; interface: string; section: string }[] => [{ file: 'a.ts', interface: name, section: 'Orders' }]

  it('are named in the section of their subject', () => {
    expect(optionErrors(of('OrderOptions'), '# Defaults\n\n## Orders\n\n| `maxBytes`, `name` |\n', () => source)).toEqual([])
  })

  it('are refused where they are not, or where there is no such interface', () => {
    expect(optionErrors(of('OrderOptions'), '## Orders\n\n| `name` |\n\n## Others\n\n| `maxBytes` |\n', () => source)).toEqual([
      "docs/reference/defaults.md: 'Orders' does not name maxBytes of OrderOptions",
    ])
    expect(optionErrors(of('Options'), '## Orders\n', () => source)).toHaveLength(1)
  })
})

describe('links', () => {
  it('lead to files and headings of the repository', () => {
    const base = mkdtempSync(join(tmpdir(), 'busbar-links-'))
    mkdirSync(join(base, 'docs'))
    writeFileSync(join(base, 'docs', 'b.md'), '# One `thing`, two\n\n## Same\n\n## Same\n')
    writeFileSync(join(base, 'README.md'), '')
    const check = (text: string): string[] => linkErrors([{ file: 'docs/a.md', text }], base)
    expect(
      check('[x](b.md) [y](./b.md#one-thing-two) [z](b.md#same-1) [u](https://example.org) [r](../README.md) `[no](x.md)`\n\n```text\n[no](x.md)\n```\n'),
    ).toEqual([])
    for (const link of ['c.md', 'b.md#same-2', '../../etc', '#none']) expect(check(`[x](${link})`)).toHaveLength(1)
    expect(check('[x]: c.md')).toHaveLength(1)
    rmSync(base, { recursive: true })
  })
})

describe('code blocks', () => {
  const page = {
    file: 'docs/guide/x.md',
    text: '# X\n\n```ts a.ts\nexport const a: number = 1\n```\n\n```ts\nimport { a } from "./a.ts"\n```\n\n```ts continues\nconst b: string = a\n```\n\n```text\nnot code\n```\n',
  }

  it('make modules, named, unnamed and continued', () => {
    expect(modulesOf(page).map((module) => [module.file, module.from])).toEqual([
      ['docs-guide-x.md/a.ts', 'docs/guide/x.md:3'],
      ['docs-guide-x.md/line-7.ts', 'docs/guide/x.md:7'],
    ])
  })

  it('are refused where they do not compile', async () => {
    expect(await codeBlockErrors(modulesOf(page), never)).toEqual([expect.stringMatching(/^docs\/guide\/x\.md:7: \(2,7\): error TS2322/)])
  })
})

describe('examples', () => {
  const page = (file: string, ...blocks: string[]): Module[] => modulesOf({ file, text: blocks.map((block) => `\`\`\`ts${block}\n\`\`\``).join('\n\n') })

  it('are the code blocks of guide and middleware that need nothing but memory, with what they import', () => {
    const modules = [
      ...page('docs/guide/a.md', ' setup.ts\nexport const one = 1', "\nimport { one } from './setup.ts'", "\nimport { amqp } from '@busbar/amqp'"),
      ...page('docs/guide/b.md', " setup.ts\nimport { amqp } from '@busbar/amqp'", "\nimport { one } from './setup.ts'"),
      ...page('docs/adapters/c.md', '\nthrow 1'),
    ]
    expect(examplesOf(modules).map(({ from, imported }) => [from, imported.length])).toEqual([
      ['docs/guide/a.md:1', 0],
      ['docs/guide/a.md:5', 1],
    ])
  })

  it('fail where they throw, also later, and name the place', async () => {
    const modules = page(
      'docs/guide/a.md',
      ' setup.ts\nexport const state = { used: false }',
      "\nimport { state } from './setup.ts'\nif (state.used) throw new Error('shared')\nstate.used = true",
      "\nimport { state } from './setup.ts'\nif (state.used) throw new Error('shared')\nstate.used = true",
      "\nthrow new TypeError('at once')",
      "\nvoid Promise.reject(new Error('later'))\nawait new Promise((resolve) => setTimeout(resolve, 50))",
    )
    expect(await exampleErrors(examplesOf(modules), never)).toEqual([
      expect.stringMatching(/^docs\/guide\/a\.md:\d+: TypeError: at once$/) as unknown,
      expect.stringMatching(/^docs\/guide\/a\.md:\d+: Error: later$/) as unknown,
    ])
  })
})
