import { tmpdir } from 'node:os'
import { createContainer } from '../core/docker.ts'
import { startProcess } from '../core/owned-process.ts'
import type { OwnedProcess } from '../core/owned-process.ts'
import type { Place } from '../core/place.ts'
import { freePort } from '../core/ports.ts'
import { createScratch } from '../core/scratch.ts'

/** One running Redis of our own, whatever it runs in. */
export interface Instance {
  readonly port: number
  /** Starts it, again on the same data and port. Does not wait until it answers. */
  start(): Promise<void>
  stop(): Promise<void>
  kill(): Promise<void>
  pause(): Promise<void>
  resume(): Promise<void>
  /** Why it ended by itself, `undefined` while it runs. */
  ending(): Promise<string | undefined>
  output(): Promise<string>
  /** Kills it and removes its data. */
  dispose(): Promise<void>
}

/** A Redis that runs as a process of this machine. */
export async function processInstance(place: Place, program: string, settings: readonly string[]): Promise<Instance> {
  const scratch = await createScratch(place.temporary, 'redis')
  const port = await freePort()
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', place.inside(scratch.path), ...settings]
  let server: OwnedProcess | undefined
  const signal = async (name: NodeJS.Signals, waitMs: number): Promise<void> => {
    server?.signal(name)
    if (server !== undefined && !(await server.endsWithin(waitMs)))
      throw new Error(`Redis did not end within ${waitMs} ms after ${name}\n${await server.output()}`)
  }
  return {
    port,
    async start() {
      if (server?.running === true) throw new Error('Redis is running already')
      server = await startProcess(program, args, { name: 'redis', place, scratch, env: {} })
    },
    stop: () => signal('SIGTERM', 10_000),
    kill: () => signal('SIGKILL', 5_000),
    pause: async () => server?.signal('SIGSTOP'),
    resume: async () => server?.signal('SIGCONT'),
    ending: async () => server?.ending,
    output: async () => (await server?.output()) ?? '',
    async dispose() {
      server?.signal('SIGKILL')
      await server?.endsWithin(5_000)
      await scratch[Symbol.asyncDispose]()
    },
  }
}

/** A Redis in a Docker container. */
export async function containerInstance(image: string, settings: readonly string[]): Promise<Instance> {
  const scratch = await createScratch(tmpdir(), 'redis')
  const port = await freePort()
  // The same port inside: nodes of a cluster tell it to clients.
  const command = ['redis-server', '--port', String(port), '--protected-mode', 'no', ...settings]
  const container = await createContainer(scratch, { image, ports: { [port]: port }, files: {}, command })
  return {
    port,
    start: () => container.control('start'),
    stop: () => container.control('stop'),
    kill: () => container.control('kill'),
    pause: () => container.control('pause'),
    resume: () => container.control('unpause'),
    ending: async () => ((await container.isRunning()) ? undefined : 'the container has ended'),
    output: () => container.output(),
    async dispose() {
      await container.remove()
      await scratch[Symbol.asyncDispose]()
    },
  }
}
