import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { createInterface } from 'node:readline'
import { stripVTControlCharacters } from 'node:util'
import { root } from './paths.ts'

export interface CommandOptions {
  /** Default: the repository's folder. */
  readonly cwd?: string
  /** Added to this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Runs at the lowest priority. Default false. */
  readonly background?: boolean
  /** Ends the command and all that it started. */
  readonly signal?: AbortSignal
  /** Called with every line of output. */
  readonly onLine?: (line: string) => void
}

export interface CommandResult {
  /** `null` when a signal ended the command. */
  readonly code: number | null
  /** Standard output and standard error, in the order in which they arrived. */
  readonly lines: readonly string[]
  /** Standard output alone. */
  readonly stdout: string
}

/** Added to the environment where it is measured what loading code costs. */
export const uncached: Readonly<Record<string, string>> = { NODE_DISABLE_COMPILE_CACHE: '1' }

/** Runs a command to its end. Rejects only if it cannot be started. */
export async function command(file: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const child = spawn(file, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the end of the command is the end of its children too.
    detached: true,
  })
  if (options.background === true && child.pid !== undefined) setLowestPriority(child.pid)
  const stop = (): void => endGroup(child.pid)
  options.signal?.addEventListener('abort', stop, { once: true })
  if (options.signal?.aborted === true) stop()
  const lines: string[] = []
  const stdout: string[] = []
  const keep = (raw: string): void => {
    const line = stripVTControlCharacters(raw)
    lines.push(line)
    options.onLine?.(line)
  }
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout.push(line)
    keep(line)
  })
  createInterface({ input: child.stderr }).on('line', keep)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    return { code, lines, stdout: stdout.join('\n') }
  } finally {
    options.signal?.removeEventListener('abort', stop)
  }
}

/** Runs a script (TypeScript or JavaScript) with this Node. */
export function script(file: string, args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  return command(process.execPath, ['--conditions=busbar-source', file, ...args], options)
}

/** To be called before the process has threads, since each has its priority from the one that starts it. */
function setLowestPriority(pid: number): void {
  setPriority(pid, constants.priority.PRIORITY_LOW)
  // Linux may share the cores out among sessions first, whatever the priority of a process within its own.
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(constants.priority.PRIORITY_LOW))
  } catch {
    // No Linux, or one that does not.
  }
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  signalGroup(pid, 'SIGTERM')
  setTimeout(() => signalGroup(pid, 'SIGKILL'), 5_000).unref()
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // The group has ended already.
  }
}
