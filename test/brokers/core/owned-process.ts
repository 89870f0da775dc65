import { spawn } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Place } from './place.ts'
import type { Scratch } from './scratch.ts'

export interface OwnedProcess {
  readonly pid: number
  readonly running: boolean
  /** Settles when the process has ended. */
  readonly ended: Promise<void>
  /** Why it ended, `undefined` while it runs. */
  readonly ending: string | undefined
  /** Signals the process and what it started in its group. Does nothing once it has ended. */
  signal(signal: NodeJS.Signals): void
  /** Waits for the end. False when it did not come in time. */
  endsWithin(timeoutMs: number): Promise<boolean>
  /** The last lines of what it wrote, for messages. */
  output(): Promise<string>
}

export interface ProcessOptions {
  readonly name: string
  readonly place: Place
  readonly scratch: Scratch
  readonly env: Readonly<Record<string, string>>
}

/** Starts a program in a process group of its own that is killed when this process ends. */
export async function startProcess(program: string, args: readonly string[], { name, place, scratch, env }: ProcessOptions): Promise<OwnedProcess> {
  // A file and no pipe: the program goes on undisturbed when nobody reads.
  const logPath = join(scratch.path, `${name}.log`)
  await using log = await open(logPath, 'a')
  const command = place.command(program, args)
  const child = spawn(command.file, command.args, {
    cwd: scratch.path,
    detached: true,
    env: { ...place.env, ...env },
    stdio: ['ignore', log.fd, log.fd],
  })
  child.unref()
  let ending: string | undefined
  const ended = new Promise<void>((resolve) => {
    const end = (why: string): void => {
      ending ??= why
      resolve()
    }
    child.once('error', (error) => end(error.message))
    child.once('exit', (code, signal) => end(signal === null ? `exit code ${code}` : `ended by ${signal}`))
  })
  const pid = child.pid
  if (pid === undefined) {
    await ended
    throw new Error(`${name}: ${ending}`)
  }
  const forget = await scratch.trackGroup(pid)
  const endedAndForgotten = ended.then(forget)

  return {
    pid,
    ended: endedAndForgotten,
    get running() {
      return ending === undefined
    },
    get ending() {
      return ending
    },
    signal(signal) {
      if (ending === undefined) process.kill(-pid, signal)
    },
    async endsWithin(timeoutMs) {
      const timer = new AbortController()
      const late = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false)
      const inTime = await Promise.race([endedAndForgotten.then(() => true), late])
      timer.abort()
      return inTime
    },
    output: async () => (await readFile(logPath, 'utf8')).trimEnd().split('\n').slice(-40).join('\n'),
  }
}
