import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { command } from '../run/command.ts'

/** Limits of design.md, section 9. */
const maxImportMs = 10
const maxCompressedBytes = 20_000
const importRuns = 15

export interface Measured {
  readonly what: string
  readonly value: number
  readonly limit: number
  readonly unit: string
}

/** What core costs a user: time to import it, bytes of what `createBroker`, `send` and `consume` load. */
export async function measureCore(project: string, signal: AbortSignal): Promise<Measured[]> {
  return [
    { what: 'import of @busbar/core (median)', value: await importMs(project, signal), limit: maxImportMs, unit: 'ms' },
    { what: 'createBroker, send and consume, minified and compressed', value: await compressedBytes(project), limit: maxCompressedBytes, unit: 'bytes' },
  ]
}

async function importMs(project: string, signal: AbortSignal): Promise<number> {
  const program = `const began = performance.now(); await import('@busbar/core'); console.log(performance.now() - began)`
  const times: number[] = []
  for (let run = 0; run < importRuns; run += 1) {
    const { stdout, code } = await command(process.execPath, ['--input-type=module', '--eval', program], { cwd: project, signal })
    const time = Number(stdout)
    if (code !== 0 || !Number.isFinite(time)) throw new Error(`importing @busbar/core ended with ${code}: ${stdout}`)
    times.push(time)
  }
  return times.toSorted((a, b) => a - b)[Math.floor(importRuns / 2)] ?? Number.NaN
}

/** `createBroker` reaches all that `send` and `consume` load, so this is an upper bound. */
async function compressedBytes(project: string): Promise<number> {
  const { outputFiles } = await build({
    stdin: { contents: `export { createBroker } from '@busbar/core'`, resolveDir: project },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    legalComments: 'none',
    outdir: join(project, 'bundle'),
  })
  return gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).byteLength
}
