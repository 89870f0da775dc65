/**
 * Dependency direction, by package manifests and by what sources import:
 * core → nothing; every other package → core; adapters → contract-tests in their tests only; no adapter imports another; test/ → all.
 * The clock and randomness rules are oxlint's (`.oxlintrc.json`), but for `new Date()`, which it cannot express.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { filesBelow, packageFolders, root } from './paths.ts'
import { importsOf, withoutComments } from './source-text.ts'

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
}

/** Packages of ours that any package but core may use at run time. */
const foundations: ReadonlySet<string> = new Set(['@busbar/core', '@busbar/core/driver'])
/** Packages that adapters do not count among: what they import at most is core. */
const shared: ReadonlySet<string> = new Set(['core', 'middleware', 'contract-tests'])
/** The one adapter that may build on another: sns delivers into SQS queues. */
const exceptions: Readonly<Record<string, readonly string[]>> = { sns: ['@busbar/sqs'] }
/** Where time and randomness come only from the injected clock and source. */
const timed: ReadonlySet<string> = new Set(['core', 'middleware', 'memory', 'contract-tests'])

/** Every breach of the rules, one line each. */
export function findDirectionErrors(base: string = root, folders: readonly string[] = packageFolders): string[] {
  return [
    ...folders.flatMap((folder) => manifestErrors(base, folder)),
    ...folders.flatMap((folder) => sourceErrors(base, folder)),
    ...referenceErrors(base, folders),
    ...lockFileErrors(base),
  ]
}

function manifestErrors(base: string, folder: string): string[] {
  const manifest = manifestOf(base, folder)
  const file = `packages/${folder}/package.json`
  const runtime = runtimeDependencies(manifest)
  if (folder === 'core' && runtime.length > 0) return [`${file}: core has no runtime dependency, found ${runtime.join(', ')}`]
  const ours = [
    ...runtime.filter((name) => name.startsWith('@busbar/') && !mayUse(folder, name, false)),
    ...Object.keys(manifest.devDependencies ?? {}).filter((name) => name.startsWith('@busbar/') && !mayUse(folder, name, true)),
  ]
  return ours.map((name) => `${file}: ${manifest.name} must not depend on ${name}`)
}

function sourceErrors(base: string, folder: string): string[] {
  const manifest = manifestOf(base, folder)
  return filesBelow(`packages/${folder}/src`, '.ts', base).flatMap((file) => {
    const source = readFileSync(join(base, file), 'utf8')
    const imports = importsOf(source).flatMap((specifier) => importError(folder, manifest, file, specifier) ?? [])
    const date = timed.has(folder) && /\bnew Date\(\s*\)/.test(withoutComments(source)) ? ['`new Date()` reads the time: use the injected Clock'] : []
    return [...imports, ...date].map((error) => `${file}: ${error}`)
  })
}

function importError(folder: string, manifest: Manifest, file: string, specifier: string): string | undefined {
  if (specifier.startsWith('node:')) return undefined
  const isTest = file.endsWith('.test.ts') || file.includes('/test-support/')
  if (specifier.startsWith('.')) return relativeError(folder, file, specifier)
  if (specifier.startsWith('@busbar/')) return mayUse(folder, specifier, isTest) ? undefined : `must not import ${specifier}`
  return isTest || runtimeDependencies(manifest).includes(packageOf(specifier))
    ? undefined
    : `imports ${specifier}, which is neither a dependency nor a peer dependency`
}

function relativeError(folder: string, file: string, specifier: string): string | undefined {
  const home = `packages/${folder}/src`
  const target = relative('/', resolve('/', dirname(file), specifier)).replaceAll('\\', '/')
  if (!target.startsWith(`${home}/`)) return `must not reach out of its package: ${specifier}`
  return /\.(ts|json)$/.test(target) ? undefined : `must name the file with its ending: ${specifier}`
}

function mayUse(folder: string, specifier: string, inTests: boolean): boolean {
  if (folder === 'core') return false
  if (foundations.has(specifier) || (exceptions[folder]?.includes(packageOf(specifier)) ?? false)) return true
  return inTests && !shared.has(folder) && specifier.split('/')[1] === 'contract-tests'
}

/** `@busbar/sqs/foreign` is of `@busbar/sqs`. */
function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function referenceErrors(base: string, folders: readonly string[]): string[] {
  const config = readFileSync(join(base, 'tsconfig.json'), 'utf8')
  return folders.filter((folder) => !config.includes(`"packages/${folder}"`)).map((folder) => `tsconfig.json: packages/${folder} is not referenced`)
}

function lockFileErrors(base: string): string[] {
  const file = join(base, 'pnpm-lock.yaml')
  const named = existsSync(file) && /tarball:\s*https?:|registry:/.test(readFileSync(file, 'utf8'))
  return named ? ['pnpm-lock.yaml: names the host of a registry; install with lockfile-include-tarball-url=false'] : []
}

function runtimeDependencies(manifest: Manifest): string[] {
  return Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies, ...manifest.optionalDependencies })
}

function manifestOf(base: string, folder: string): Manifest {
  return JSON.parse(readFileSync(join(base, 'packages', folder, 'package.json'), 'utf8')) as Manifest
}

if (import.meta.main) {
  const errors = findDirectionErrors()
  for (const error of errors) console.error(error)
  console.log(`${errors.length} breaches of the dependency directions`)
  process.exitCode = errors.length === 0 ? 0 : 1
}
