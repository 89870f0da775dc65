import { readFileSync } from 'node:fs'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { command } from '../run/command.ts'
import { tool } from '../run/paths.ts'
import type { Packed } from './tarballs.ts'

/** publint, on the tarballs, with suggestions as errors. */
export async function publintErrors(packed: Packed): Promise<string[]> {
  const errors: string[] = []
  for (const [folder, file] of packed.tarballs) {
    const bytes = readFileSync(file)
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
    const { messages, pkg } = await publint({ level: 'suggestion', strict: true, pack: { tarball } })
    errors.push(...messages.map((message) => `publint: @busbar/${folder}: ${formatMessage(message, pkg, { color: false }) ?? message.code}`))
  }
  return errors
}

/** Are the types wrong? On the tarballs, for packages that are ESM only. */
export async function attwErrors(packed: Packed, signal: AbortSignal): Promise<string[]> {
  const errors: string[] = []
  for (const [folder, file] of packed.tarballs) {
    const { code, lines } = await command(tool('attw'), [file, '--profile', 'esm-only', '--no-emoji', '--no-color', '--format', 'ascii'], { signal })
    if (code !== 0) errors.push(`attw: @busbar/${folder}\n${lines.join('\n')}`)
  }
  return errors
}
