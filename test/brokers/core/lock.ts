import { spawn } from 'node:child_process'
import { once } from 'node:events'

/**
 * Runs `task` while no other process holds the lock on this file.
 * The system releases the lock when this process dies, so that there are no stale locks to guess about.
 */
export async function withLock<T>(file: string, task: () => Promise<T>): Promise<T> {
  const holder = spawn('flock', [file, 'sh', '-c', 'echo locked; cat >/dev/null'], {
    detached: true,
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const ended = once(holder, 'exit')
  await Promise.race([once(holder.stdout, 'data'), ended.then(() => Promise.reject(new Error(`cannot lock ${file}`)))])
  try {
    return await task()
  } finally {
    holder.stdin.end()
    await ended
  }
}
