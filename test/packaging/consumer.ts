import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { command } from '../run/command.ts'
import { tool } from '../run/paths.ts'
import type { Entry } from './entries.ts'
import { hasOldestNode, oldestNode } from './oldest-node.ts'

/** Settings under which users compile: no source condition, and the shipped declarations are checked. */
const settings: readonly (readonly string[])[] = [
  ['--module', 'nodenext', '--target', 'es2022'],
  ['--module', 'esnext', '--moduleResolution', 'bundler', '--target', 'es2022'],
]

/** Imports every entry of the packed packages with plain Node, the oldest one too, and compiles against their declarations. Answers what went wrong. */
export async function consumerErrors(project: string, entries: readonly Entry[], signal: AbortSignal): Promise<string[]> {
  mkdirSync(project, { recursive: true })
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  writeFileSync(join(project, 'consumer.ts'), importAll(entries))
  writeFileSync(join(project, 'consumer.js'), importAll(entries))
  const errors: string[] = []
  for (const node of hasOldestNode ? [process.execPath, oldestNode] : [process.execPath]) {
    const run = await command(node, ['consumer.js'], { cwd: project, signal })
    if (run.code !== 0) errors.push(`importing the packed packages by ${node} ended with ${run.code}\n${run.lines.join('\n')}`)
  }
  for (const flags of settings) {
    const compile = await command(tool('tsc'), ['--noEmit', '--strict', '--types', 'node', ...flags, 'consumer.ts'], { cwd: project, signal })
    if (compile.code !== 0) errors.push(`tsc ${flags.join(' ')} ended with ${compile.code}\n${compile.lines.join('\n')}`)
  }
  return errors
}

/** A module that imports everything and uses it as a value, so that nothing is dropped. */
function importAll(entries: readonly Entry[]): string {
  const imports = entries.map((entry, index) => `import * as entry${index} from '${entry.specifier}'`)
  const checks = entries.map((entry, index) => `if (Object.keys(entry${index}).length === 0) throw new Error('${entry.specifier} exports nothing')`)
  return [...imports, ...checks, ''].join('\n')
}
