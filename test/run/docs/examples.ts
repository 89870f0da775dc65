import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { command } from '../command.ts'
import { root } from '../paths.ts'
import type { Module } from './code-blocks.ts'

/** One code block with those of its page that it imports. */
export interface Example {
  readonly from: string
  readonly text: string
  readonly imported: readonly Module[]
}

/** Pages whose code blocks are programs. */
const ofPrograms = /^docs[/\\](guide|middleware)[/\\]/
/** What needs nothing but memory. */
const inMemory = /^(@busbar\/(core|memory|middleware)(\/|$)|zod$|node:|\.\/)/

/** Those code blocks of the guide and of the middleware that need no broker but memory. */
export function examplesOf(modules: readonly Module[]): Example[] {
  return modules.flatMap((module) => {
    const folder = dirname(module.file)
    const imported = modules.filter((other) => other !== module && dirname(other.file) === folder && importsOf(module).includes(`./${basename(other.file)}`))
    const runs = ofPrograms.test(module.from) && [module, ...imported].every((one) => importsOf(one).every((name) => inMemory.test(name)))
    return runs ? [{ from: module.from, text: module.text, imported }] : []
  })
}

function importsOf({ text }: Module): string[] {
  return [...text.matchAll(/\bfrom '([^']+)'/g)].map(([, name = '']) => name)
}

/** Runs the examples, each with its own copies of what it imports. Answers what was thrown and not caught, and what has not ended, each with the place in the page. */
export async function exampleErrors(examples: readonly Example[], signal: AbortSignal): Promise<string[]> {
  // Not below node_modules, where Node takes no types away; below test/, so that what it depends on resolves.
  const home = mkdtempSync(join(root, 'test', '.docs-'))
  try {
    const files = examples.map(({ text, imported }, index) => {
      const folder = join(home, String(index))
      mkdirSync(folder)
      for (const module of imported) writeFileSync(join(folder, basename(module.file)), module.text)
      writeFileSync(join(folder, 'example.ts'), text)
      return join(folder, 'example.ts')
    })
    writeFileSync(join(home, 'package.json'), '{ "type": "module" }')
    const { code, lines } = await command(process.execPath, ['--conditions=busbar-source', join(import.meta.dirname, 'run-examples.ts'), ...files], { signal })
    const failed = lines.flatMap((line) => {
      const [, index, error] = /^example (\d+) failed: (.*)$/.exec(line) ?? []
      return index === undefined ? [] : [`${examples[Number(index)]?.from}: ${error}`]
    })
    return code === 0 || failed.length > 0 ? failed : [`the examples ended with ${code}`, ...lines.slice(-20)]
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}
