import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { command } from '../run/command.ts'
import { root } from '../run/paths.ts'

/** The oldest Node that the packages' `engines` name. There is a binary for Linux on x64 alone. */
export const oldestNode: string = join(root, 'test/node_modules/oldest-node/bin/node')

export const hasOldestNode: boolean = process.platform === 'linux' && process.arch === 'x64' && existsSync(oldestNode)

/** Runs the built packages through the suite. Answers how many cases passed, and what failed. */
export async function contractOnOldestNode(signal: AbortSignal): Promise<{ readonly passed: number; readonly errors: readonly string[] }> {
  const { lines } = await command(oldestNode, ['--experimental-strip-types', '--no-warnings', 'test/contract/on-oldest-node.ts'], { signal })
  const [, version, passed = '0', failed] = /^Node (\S+): (\d+) passed, (\d+) failed$/.exec(lines.at(-1) ?? '') ?? []
  const engine = version?.startsWith('22.12.') === true
  const errors = failed === '0' && engine ? [] : [`under ${version ?? 'the oldest Node'}\n${lines.join('\n')}`]
  return { passed: Number(passed), errors }
}
