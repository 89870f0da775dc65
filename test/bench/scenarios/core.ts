import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { build, type BuildOptions } from 'esbuild'
import { valueRow, type Row } from '../engine/rows.ts'
import { median } from '../report/stats.ts'
import type { Suite } from './suite.ts'

const maxCompressedBytes = 20_000
const maxImportMs = 10
const processes = 15

/** What core costs whoever imports it. */
export const core: Suite = async ({ onProgress }) => {
  onProgress('size and import time')
  return { rows: [...(await sizeRows()), await importRow()], versions: {}, ran: true }
}

/** `createBroker` reaches all that `send` and `consume` load. */
async function sizeRows(): Promise<Row[]> {
  const minified = await loaded(`export { createBroker } from '@busbar/core'`)
  const gzipped = gzipSync(minified, { level: 9 }).byteLength
  const scenario = 'core, what createBroker, send and consume load'
  const compressed = brotliCompressSync(minified).byteLength
  return [
    valueRow(scenario, 'minified', minified.byteLength, 'bytes'),
    valueRow(scenario, 'minified, gzip', gzipped, 'bytes'),
    valueRow(scenario, 'minified, brotli', compressed, 'bytes', {
      text: `≤ ${maxCompressedBytes.toLocaleString('en')} bytes`,
      met: compressed <= maxCompressedBytes,
    }),
  ]
}

/** Everything that core exports, as one plain JavaScript file, as it is published; in fresh processes, less what importing an empty file takes. */
async function importRow(): Promise<Row> {
  const folder = await mkdtemp(join(tmpdir(), 'busbar-bench-'))
  try {
    const [full, empty] = [join(folder, 'core.mjs'), join(folder, 'empty.mjs')]
    await writeFile(full, await bundle(`export * from '@busbar/core'`, false))
    await writeFile(empty, '')
    const [fullMs, emptyMs]: [number[], number[]] = [[], []]
    for (let process = 0; process < processes; process++) {
      emptyMs.push(await importMs(empty))
      fullMs.push(await importMs(full))
    }
    const value = median(fullMs) - median(emptyMs)
    return valueRow('core, import', 'all exports', value, 'ms', { text: `≤ ${maxImportMs} ms`, met: value <= maxImportMs })
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** What a bundler loads at once: without the parts that core imports when they are needed. */
async function loaded(contents: string): Promise<Uint8Array> {
  const { outputFiles, metafile } = await build({ ...settings(contents, true), splitting: true, metafile: true, outdir: 'bundle' })
  const entry = Object.keys(metafile.outputs).find((file) => metafile.outputs[file]?.entryPoint === '<stdin>') ?? ''
  const files = new Set([entry])
  for (const file of files) for (const { path, kind } of metafile.outputs[file]?.imports ?? []) if (kind === 'import-statement') files.add(path)
  return Buffer.concat(outputFiles.filter(({ path }) => [...files].some((file) => path.endsWith(file))).map((file) => file.contents))
}

async function bundle(contents: string, minify: boolean): Promise<Uint8Array> {
  const { outputFiles } = await build(settings(contents, minify))
  const [file] = outputFiles
  if (!file) throw new Error('esbuild has made no file')
  return file.contents
}

function settings(contents: string, minify: boolean): BuildOptions & { write: false } {
  return {
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    conditions: ['busbar-source'],
    legalComments: 'none',
  }
}

async function importMs(file: string): Promise<number> {
  const program = `const began = performance.now(); await import(${JSON.stringify(pathToFileURL(file))}); console.log(performance.now() - began)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
  return Number(stdout)
}
