import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { command, type CommandResult } from '../run/command.ts'
import { packageFolders, root, tool } from '../run/paths.ts'

/** The packages as users get them. */
export interface Packed {
  /** `.tgz` files, by folder name below `packages/`. */
  readonly tarballs: ReadonlyMap<string, string>
  /** A folder outside the repository whose `node_modules/@busbar` holds the unpacked packages, and besides them only what they declare. */
  readonly project: string
}

let packed: Promise<Packed> | undefined

/** Builds and packs all packages and unpacks them into a project; once per process. The project is removed when the process ends. */
export function packPackages(signal: AbortSignal, log: (line: string) => void): Promise<Packed> {
  packed ??= pack(signal, log)
  return packed
}

async function pack(signal: AbortSignal, log: (line: string) => void): Promise<Packed> {
  const project = mkdtempSync(join(tmpdir(), 'busbar-packed-'))
  process.once('exit', () => rmSync(project, { recursive: true, force: true }))
  for (const folder of packageFolders) {
    log(`building ${folder}`)
    const home = join(root, 'packages', folder)
    rmSync(join(home, 'dist'), { recursive: true, force: true })
    mustSucceed(await command(tool('tsdown'), ['--fail-on-warn', '--logLevel=warn'], { cwd: home, signal }), `tsdown in packages/${folder}`)
  }
  log('packing')
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly packageManager: string }
  const args = ['-y', packageManager, '--filter', './packages/*', 'pack', '--pack-destination', project]
  mustSucceed(await command('npx', args, { signal }), 'pnpm pack')
  const files = readdirSync(project).filter((file) => file.endsWith('.tgz'))
  const tarballs = new Map(packageFolders.map((folder) => [folder, join(project, find(files, folder))]))
  for (const [folder, tarball] of tarballs) await unpack(folder, tarball, project, signal)
  installDeclared(project)
  return { tarballs, project }
}

function find(files: readonly string[], folder: string): string {
  const file = files.find((name) => new RegExp(`^busbar-${folder}-\\d`).test(name))
  if (file === undefined) throw new Error(`pnpm pack made no tarball for packages/${folder}: ${files.join(', ')}`)
  return file
}

async function unpack(folder: string, tarball: string, project: string, signal: AbortSignal): Promise<void> {
  const home = join(project, 'node_modules', '@busbar', folder)
  mkdirSync(home, { recursive: true })
  mustSucceed(await command('tar', ['-xzf', tarball, '-C', home, '--strip-components=1'], { signal }), `tar of ${tarball}`)
}

/** What the packages declare comes from the repository's own installation: no network, and nothing that is not declared. */
function installDeclared(project: string): void {
  const modules = join(project, 'node_modules')
  for (const folder of packageFolders) {
    const manifest = JSON.parse(readFileSync(join(modules, '@busbar', folder, 'package.json'), 'utf8')) as Record<string, Record<string, string> | undefined>
    for (const name of Object.keys({ ...manifest['dependencies'], ...manifest['peerDependencies'] })) {
      if (name.startsWith('@busbar/')) continue
      mkdirSync(join(modules, name, '..'), { recursive: true })
      rmSync(join(modules, name), { recursive: true, force: true })
      symlinkSync(join(root, 'packages', folder, 'node_modules', name), join(modules, name))
    }
  }
  mkdirSync(join(modules, '@types'), { recursive: true })
  symlinkSync(join(root, 'node_modules', '@types', 'node'), join(modules, '@types', 'node'))
}

function mustSucceed(result: CommandResult, what: string): void {
  if (result.code !== 0) throw new Error(`${what} ended with ${result.code}\n${result.lines.slice(-30).join('\n')}`)
}
