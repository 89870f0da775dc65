import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from '../command.ts'
import { root, tool } from '../paths.ts'
import type { Page } from './pages.ts'

/** A module made of code blocks marked `ts` in one page. */
export interface Module {
  /** `<page>/<name>.ts`, with the page's path flattened. */
  readonly file: string
  readonly text: string
  /** Where the first block begins: `README.md:12`. */
  readonly from: string
}

/**
 * The modules that a page's code blocks make. Each block marked `ts` is a module of its own; `ts name.ts` gives it a name, so that the
 * others of the page can import it; `ts continues` goes on with the block before it. What is not meant to compile is marked `text`.
 */
export function modulesOf(page: Page): Module[] {
  const modules: { file: string; text: string; from: string }[] = []
  for (const match of page.text.matchAll(/^( *)```ts(?: +(\S+))? *\n([^]*?)^\1```/gm)) {
    const [, , mark, text = ''] = match
    const line = page.text.slice(0, match.index).split('\n').length
    const previous = modules.at(-1)
    if (mark === 'continues' && previous !== undefined) previous.text += text
    else modules.push({ file: join(page.file.replaceAll(/[/\\]/g, '-'), mark ?? `line-${line}.ts`), text, from: `${page.file}:${line}` })
  }
  return modules
}

/** Compiles the modules against the packages' sources. Answers the compiler's errors, each with the place in the page. */
export async function codeBlockErrors(modules: readonly Module[], signal: AbortSignal): Promise<string[]> {
  // Below test/node_modules, so that what test/ depends on resolves: the packages, zod, and so on.
  if (modules.length === 0) return []
  const parent = join(root, 'test', 'node_modules', '.cache')
  mkdirSync(parent, { recursive: true })
  const home = mkdtempSync(join(parent, 'busbar-docs-'))
  try {
    return await compile(home, modules, signal)
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}

async function compile(home: string, modules: readonly Module[], signal: AbortSignal): Promise<string[]> {
  for (const module of modules) {
    mkdirSync(join(home, module.file, '..'), { recursive: true })
    writeFileSync(join(home, module.file), module.text)
  }
  writeFileSync(join(home, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(home, 'tsconfig.json'), JSON.stringify(settings(modules)))
  const { code, lines } = await command(tool('tsc'), ['-p', home, '--pretty', 'false'], { cwd: home, signal })
  if (code === 0) return []
  const errors = lines.filter((line) => /error TS\d+/.test(line)).map((line) => inPage(line, modules))
  return errors.length > 0 ? errors : [`tsc ended with ${code}`, ...lines]
}

function settings(modules: readonly Module[]): object {
  return {
    extends: join(root, 'tsconfig.base.json'),
    compilerOptions: {
      composite: false,
      declaration: false,
      emitDeclarationOnly: false,
      isolatedDeclarations: false,
      noEmit: true,
      noUnusedLocals: false,
      noUnusedParameters: false,
      typeRoots: [join(root, 'node_modules', '@types')],
    },
    files: modules.map((module) => module.file),
  }
}

function inPage(line: string, modules: readonly Module[]): string {
  const module = modules.find((candidate) => line.startsWith(candidate.file))
  return module === undefined ? line : `${module.from}: ${line.slice(module.file.length)}`
}
