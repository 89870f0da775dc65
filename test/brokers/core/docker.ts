import { run } from './run.ts'
import type { RunResult } from './run.ts'
import type { Scratch } from './scratch.ts'

let answer: Promise<RunResult> | undefined

/** Why no Docker engine can be used, `undefined` when one answers. Asked once per process. */
export async function dockerProblem(): Promise<string | undefined> {
  // Bounded: with a dead socket behind a proxy the client waits for minutes.
  answer ??= run('docker', ['info', '--format', '{{.ServerVersion}}'], { timeoutMs: 2_000 })
  const { ok, problem } = await answer
  return ok ? undefined : problem
}

export interface ContainerOptions {
  readonly image: string
  /** Port of this machine's loopback interface → port in the container. */
  readonly ports: Readonly<Record<number, number>>
  /** File of this machine → path in the container, read-only. */
  readonly files: Readonly<Record<string, string>>
  /** Command of the container with its arguments. Default: the image's own. */
  readonly command?: readonly string[]
}

export interface Container {
  /** `start`, `stop`, `kill`, `pause` or `unpause`. */
  control(verb: string): Promise<void>
  /** Sends a signal to the container's main process. */
  signal(name: string): Promise<void>
  exec(args: readonly string[]): Promise<void>
  isRunning(): Promise<boolean>
  output(): Promise<string>
  remove(): Promise<void>
}

/** Fetches the image; the reason when that is not possible. */
export async function fetchImage(image: string): Promise<string | undefined> {
  if ((await run('docker', ['image', 'inspect', image])).ok) return undefined
  const { ok, problem } = await run('docker', ['pull', '--quiet', image], { timeoutMs: 300_000 })
  return ok ? undefined : problem
}

/** Makes a container, not yet started, that is removed when this process ends. */
export async function createContainer(scratch: Scratch, options: ContainerOptions): Promise<Container> {
  const ports = Object.entries(options.ports).flatMap(([ours, theirs]) => ['-p', `127.0.0.1:${ours}:${theirs}`])
  const files = Object.entries(options.files).flatMap(([ours, theirs]) => ['-v', `${ours}:${theirs}:ro`])
  // The host name is part of the broker's node name, and so of where it finds its data again.
  const created = await docker('create', '--hostname', 'busbar', ...ports, ...files, options.image, ...(options.command ?? []))
  const id = created.trim()
  const forget = await scratch.trackContainer(id)
  return {
    control: async (verb) => void (await docker(verb, id)),
    signal: async (name) => void (await docker('kill', '--signal', name, id)),
    exec: async (args) => void (await docker('exec', id, ...args)),
    isRunning: async () => (await docker('inspect', '--format', '{{.State.Running}}', id)).trim() === 'true',
    output: () => docker('logs', '--tail', '40', id),
    async remove() {
      await docker('rm', '--force', '--volumes', id)
      await forget()
    },
  }
}

async function docker(...args: string[]): Promise<string> {
  const { ok, stdout, problem } = await run('docker', args)
  if (!ok) throw new Error(problem)
  return stdout
}
