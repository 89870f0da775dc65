import { execFile } from 'node:child_process'

export interface RunOptions {
  /** Upper bound; the command is killed after it. Default 60,000. */
  readonly timeoutMs?: number
  /** The whole environment of the command. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv
}

export interface RunResult {
  readonly ok: boolean
  readonly stdout: string
  readonly stderr: string
  /** Why it failed, in one line; empty when it did not. */
  readonly problem: string
}

/** Runs a command to its end. Never throws: a missing program is a result like any other. */
export function run(file: string, args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { timeoutMs = 60_000, env = process.env } = options
  return new Promise((resolve) => {
    const limits = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 } as const
    execFile(file, args, { ...limits, env }, (error, stdout, stderr) => {
      resolve({ ok: error === null, stdout, stderr, problem: error === null ? '' : describe(file, error, stderr) })
    })
  })
}

function describe(file: string, error: Error & { killed?: boolean }, stderr: string): string {
  if (error.killed === true) return `${file} took too long`
  const lines = stderr.trim().split('\n')
  const last = lines.findLast((line) => line.startsWith('E:')) ?? lines.at(-1)
  return `${file}: ${last === undefined || last === '' ? error.message : last}`
}
