// Runs a TypeScript entry of this repository under the pinned Node, after installing what is missing.
// The only file that has to run on any Node >= 20 with nothing installed: plain JavaScript, Node's own modules.
//
//   node [node flags] test/run/bootstrap.mjs <entry.ts> [arguments]
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const stamp = join(root, 'node_modules', '.busbar-install')
const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

const [entry, ...rest] = process.argv.slice(2)
if (entry === undefined) fail('usage: node test/run/bootstrap.mjs <entry.ts> [arguments]')

installIfNeeded()
if (!existsSync(join(root, entry))) fail(`${entry} does not exist`)
runEntry()

function installIfNeeded() {
  const wanted = fingerprint()
  const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : undefined
  if (installed === wanted && existsSync(node)) return
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const why = existsSync(node) ? 'dependencies may have changed since the last install' : 'nothing is installed yet'
  say(`${why}: installing with ${packageManager} (through npx), which brings Node 24 along`)
  const began = performance.now()
  const done = spawnSync('npx', ['-y', packageManager, 'install', '--frozen-lockfile'], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (done.error !== undefined) fail(`cannot run npx: ${done.error.message}`)
  if (done.status !== 0) fail(`the installation failed (${done.signal ?? `exit code ${done.status}`}); is the network reachable?`)
  if (!existsSync(node)) fail(`the installation brought no ${node}`)
  writeFileSync(stamp, wanted)
  say(`installed in ${((performance.now() - began) / 1000).toFixed(1)} s`)
}

/** Changes when anything that decides what is installed changes. */
function fingerprint() {
  const packages = readdirSync(join(root, 'packages')).toSorted()
  const manifests = ['.', 'test', ...packages.map((name) => join('packages', name))].map((folder) => join(folder, 'package.json'))
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`)
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', ...manifests]) {
    if (existsSync(join(root, file))) hash.update(`\n${file}\n`).update(readFileSync(join(root, file)))
  }
  return hash.digest('hex')
}

function runEntry() {
  const child = spawn(node, [...process.execArgv, '--conditions=busbar-source', join(root, entry), ...rest], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter) },
  })
  // A terminal sends Ctrl-C to the whole foreground group: forwarding it would deliver it twice.
  process.on('SIGINT', () => process.stdin.isTTY || child.kill('SIGINT'))
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => fail(`cannot start ${node}: ${error.message}`))
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? code : 128 + constants.signals[signal]
  })
}

function say(line) {
  console.log(`busbar: ${line}`)
}

function fail(line) {
  console.error(`busbar: ${line}`)
  process.exit(1)
}
