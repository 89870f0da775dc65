import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import type { Certificate } from '@busbar/contract-tests'
import { matrixPage } from './page.ts'
import { summarise, type Summary } from './summary.ts'

const folder = new URL('../certificates/', import.meta.url)
const page = new URL('../../../docs/reference/capabilities.md', import.meta.url)

/**
 * Compares what the cases have found with the certificate that is kept, and the page with all certificates. Throws when they differ in anything but the date.
 * With `BUSBAR_WRITE=1` both are written anew instead.
 */
export async function checkCertificate(certificate: Certificate): Promise<void> {
  const found = summarise(certificate, new Date().toISOString().slice(0, 10))
  const file = new URL(
    `${certificate.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9.]+/g, '-')
      .replaceAll(/^-|-$/g, '')}.json`,
    folder,
  )
  if (process.env['BUSBAR_WRITE'] === '1') {
    await mkdir(folder, { recursive: true })
    await writeFile(file, `${JSON.stringify(found, undefined, 2)}\n`)
    await writeFile(page, matrixPage(await keptCertificates()))
    return
  }
  const kept = await readFile(file, 'utf8').then(
    (text) => JSON.parse(text) as Summary,
    () => undefined,
  )
  const remedy = 'Look at what has changed; if it is right, run again with BUSBAR_WRITE=1.'
  if (kept === undefined) throw new Error(`There is no certificate for ${certificate.name}. ${remedy}`)
  const differences = differencesOf({ ...found, date: kept.date }, kept)
  if (differences.length > 0)
    throw new Error(`The certificate of ${certificate.name} is not what the cases have found: ${differences.slice(0, 10).join('; ')}. ${remedy}`)
  if ((await readFile(page, 'utf8').catch(() => '')) !== matrixPage(await keptCertificates()))
    throw new Error(`docs/reference/capabilities.md is not what the certificates say. ${remedy}`)
}

async function keptCertificates(): Promise<Summary[]> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json')).toSorted()
  return Promise.all(files.map(async (name) => JSON.parse(await readFile(new URL(name, folder), 'utf8')) as Summary))
}

/** Paths where two plain values differ. */
function differencesOf(found: unknown, kept: unknown, path = ''): string[] {
  if (typeof found !== 'object' || found === null || typeof kept !== 'object' || kept === null) {
    return found === kept ? [] : [`${path}: ${JSON.stringify(found)}, kept ${JSON.stringify(kept)}`]
  }
  const keys = new Set([...Object.keys(found), ...Object.keys(kept)])
  return [...keys].flatMap((key) =>
    differencesOf((found as Record<string, unknown>)[key], (kept as Record<string, unknown>)[key], path === '' ? key : `${path}.${key}`),
  )
}
