import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { build } from 'tsdown'
import { command, uncached } from '../run/command.ts'

/** Limits of core, for users who bundle and for functions that start cold. */
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
    { what: 'createBroker, send and consume, minified and compressed', value: await loadedBytes(project, signal), limit: maxCompressedBytes, unit: 'bytes' },
  ]
}

async function importMs(project: string, signal: AbortSignal): Promise<number> {
  const program = `const began = performance.now(); await import('@busbar/core'); console.log(performance.now() - began)`
  const times: number[] = []
  for (let run = 0; run < importRuns; run += 1) {
    const { stdout, code } = await command(process.execPath, ['--input-type=module', '--eval', program], { cwd: project, env: uncached, signal })
    const time = Number(stdout)
    if (code !== 0 || !(time > 0)) throw new Error(`importing @busbar/core ended with ${code}: ${stdout}`)
    times.push(time)
  }
  return times.toSorted((a, b) => a - b)[Math.floor(importRuns / 2)] ?? Number.NaN
}

/** Bundles core, split where it imports dynamically, sends and consumes a message, and adds up the parts that were loaded for it. */
async function loadedBytes(project: string, signal: AbortSignal): Promise<number> {
  writeFileSync(join(project, 'entry.mjs'), `export { createBroker } from '@busbar/core'`)
  await build({
    config: false,
    cwd: project,
    entry: { entry: 'entry.mjs' },
    outDir: 'bundle',
    format: 'esm',
    minify: true,
    dts: false,
    deps: { alwaysBundle: ['@busbar/core'] },
    platform: 'node',
    target: 'node22',
    report: false,
    logLevel: 'warn',
  })
  writeFileSync(join(project, 'loads.mjs'), program)
  const { code, stdout, lines } = await command(process.execPath, ['loads.mjs'], { cwd: project, signal })
  const files = code === 0 ? (JSON.parse(stdout) as string[]) : []
  if (files.length === 0) throw new Error(`sending and consuming with the bundled core ended with ${code}\n${lines.join('\n')}`)
  // Brotli over all of it: how many chunks there are is the bundler's business.
  return brotliCompressSync(Buffer.concat(files.map((file) => readFileSync(new URL(file))))).byteLength
}

const program = `
import { registerHooks } from 'node:module'
const loaded = new Set()
registerHooks({ load: (url, context, next) => (loaded.add(url), next(url, context)) })
const { createBroker } = await import('./bundle/entry.mjs')
const { memory } = await import('@busbar/memory')
// What queue('letters') makes; it counts as the definition's cost, not the broker's.
const letters = { kind: 'queue', name: 'letters', schema: undefined, reply: undefined, options: {} }
const broker = createBroker({ driver: memory(), destinations: [letters], provision: 'create' })
const { promise, resolve } = Promise.withResolvers()
await broker.consume(letters, resolve)
await broker.producer(letters).send('hello')
await promise
console.log(JSON.stringify([...loaded].filter((url) => url.includes('/bundle/'))))
process.exit()
`
