import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { join } from 'node:path'

/** A temporary folder whose processes and content do not outlive this process, however it ends. */
export interface Scratch {
  readonly path: string
  /** Has the process group killed should this process end first. Returns the function that forgets it again. */
  trackGroup(pid: number): Promise<() => Promise<void>>
  /** The same for a Docker container. */
  trackContainer(id: string): Promise<() => Promise<void>>
  [Symbol.asyncDispose](): Promise<void>
}

// `cat` returns when this process closes the pipe or dies, even by SIGKILL. Only what was noted in the folder is ended.
const watch = `cat >/dev/null
for file in "$0"/.groups/*; do [ -e "$file" ] && kill -s KILL -- "-\${file##*/}"; done
for file in "$0"/.containers/*; do [ -e "$file" ] && docker rm --force --volumes "\${file##*/}"; done
rm -rf "$0" || { sleep 1; rm -rf "$0"; }`

export async function createScratch(parent: string, name: string): Promise<Scratch> {
  const path = await mkdtemp(join(parent, `busbar-${name}-`))
  await mkdir(join(path, '.groups'))
  await mkdir(join(path, '.containers'))
  // Detached: Ctrl-C in a terminal goes to the whole foreground group and must not end the watcher.
  const watcher = spawn('sh', ['-c', watch, path], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  watcher.unref()
  ;(watcher.stdin as Socket).unref()

  const note = async (kind: string, id: string): Promise<() => Promise<void>> => {
    const file = join(path, kind, id)
    await writeFile(file, '')
    return () => rm(file, { force: true })
  }
  return {
    path,
    trackGroup: (pid) => note('.groups', String(pid)),
    trackContainer: (id) => note('.containers', id),
    async [Symbol.asyncDispose]() {
      if (watcher.exitCode !== null || watcher.signalCode !== null) return
      const ended = once(watcher, 'exit')
      watcher.ref()
      watcher.stdin.end()
      await ended
    },
  }
}
