import { chmod, mkdir, readdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { hostPlace } from '../core/place.ts'
import type { Place } from '../core/place.ts'
import { run } from '../core/run.ts'

/** An unpacked tree of the release that the machine itself runs: its programs run as they are. */
export async function directPlace(tree: string): Promise<Place> {
  const host = hostPlace()
  // Programs in Java bring no such folder.
  const folders = await readdir(join(tree, 'usr', 'lib')).catch((): string[] => [])
  const libraries = folders.filter((name) => name.endsWith('-linux-gnu'))
  return {
    ...host,
    env: {
      ...host.env,
      PATH: `${tree}/usr/bin:${tree}/usr/sbin:${host.env['PATH']}`,
      LD_LIBRARY_PATH: libraries.map((name) => join(tree, 'usr', 'lib', name)).join(':'),
    },
  }
}

/** An unpacked tree of another release: it brings its own C library and becomes the root folder of its programs. */
export function chrootPlace(tree: string, door: Door): Place {
  return {
    temporary: join(tree, 'tmp'),
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' },
    inside: (path) => `/${relative(tree, path)}`,
    command: (program, args) => ({ file: '/usr/bin/env', args: [...door, tree, program, ...args] }),
  }
}

/** The command that enters a tree. */
export type Door = readonly string[]

// In a mount namespace of their own the mounts vanish together with the processes. `exec` keeps the process id.
const enter = `for folder in dev proc; do mount --rbind "/$folder" "$0/$folder" 2>/dev/null; done; exec chroot "$0" "$@"`
const doors: readonly Door[] = [['unshare', '--mount', 'sh', '-c', enter], ['chroot'], ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', enter]]

/** How this process can enter a tree, or why it cannot. */
export async function findDoor(tree: string): Promise<Door | string> {
  const problems: string[] = []
  for (const door of doors) {
    const { ok, problem } = await run('/usr/bin/env', [...door, tree, '/bin/sh', '-c', ':'])
    if (ok) return door
    problems.push(problem)
  }
  return `programs of another Debian release need root or user namespaces (${problems.join(', ')})`
}

/** What the installation scripts of the packages would have written, as far as a broker needs it. */
export async function furnishRoot(tree: string): Promise<void> {
  const files = {
    hosts: '127.0.0.1 localhost\n',
    'nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files\n',
    passwd: 'root:x:0:0:root:/root:/bin/sh\n',
    group: 'root:x:0:\n',
  }
  await mkdir(join(tree, 'etc'), { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(tree, 'etc', name), text)
  for (const folder of ['dev', 'proc', 'root', 'tmp']) await mkdir(join(tree, folder), { recursive: true })
  await chmod(join(tree, 'tmp'), 0o1777)
  // Only root may make devices; for others /dev of the machine is mounted.
  await run('mknod', ['-m', '666', join(tree, 'dev', 'null'), 'c', '1', '3'])
  await run('mknod', ['-m', '666', join(tree, 'dev', 'urandom'), 'c', '1', '9'])
}

/** Debian's `erl` knows only the place where the package is installed. */
export async function moveErlang(tree: string, final: string): Promise<void> {
  const script = await realpath(join(tree, 'usr', 'bin', 'erl'))
  const text = await readFile(script, 'utf8')
  await writeFile(script, text.replaceAll('ROOTDIR=/usr/lib/erlang', `ROOTDIR="${final}/usr/lib/erlang"`))
}
