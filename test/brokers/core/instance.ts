import type { Container } from './docker.ts'
import type { OwnedProcess } from './owned-process.ts'
import type { Scratch } from './scratch.ts'

/** One running broker of our own, whatever it runs in. */
export interface Instance {
  /** Starts it, again on the same data and ports. Does not wait until it answers. */
  start(): Promise<void>
  /** Ends it as an operator would. */
  stop(): Promise<void>
  /** Ends it at once. */
  kill(): Promise<void>
  /** Freezes it; connections stay open and nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** Sends it a signal, and waits for nothing. */
  signal(name: NodeJS.Signals): Promise<void>
  /** Why it ended by itself, `undefined` while it runs. */
  ending(): Promise<string | undefined>
  /** The last lines of its log. */
  output(): Promise<string>
  /** Kills it and removes its data. */
  dispose(): Promise<void>
}

/** A broker that is one process of this machine. `launch` starts it, each time on the same data and ports. */
export function processInstance(broker: string, scratch: Scratch, launch: () => Promise<OwnedProcess>): Instance {
  let server: OwnedProcess | undefined
  const end = async (name: NodeJS.Signals, waitMs: number): Promise<void> => {
    server?.signal(name)
    if (server !== undefined && !(await server.endsWithin(waitMs)))
      throw new Error(`${broker} did not end within ${waitMs} ms after ${name}\n${await server.output()}`)
  }
  return {
    async start() {
      if (server?.running === true) throw new Error(`${broker} is running already`)
      server = await launch()
    },
    stop: () => end('SIGTERM', 10_000),
    kill: () => end('SIGKILL', 5_000),
    pause: async () => server?.signal('SIGSTOP'),
    resume: async () => server?.signal('SIGCONT'),
    signal: async (name) => server?.signal(name),
    ending: async () => server?.ending,
    output: async () => (await server?.output()) ?? '',
    async dispose() {
      server?.signal('SIGKILL')
      await server?.endsWithin(5_000)
      await scratch[Symbol.asyncDispose]()
    },
  }
}

/** A broker in a Docker container. */
export function containerInstance(scratch: Scratch, container: Container): Instance {
  return {
    start: () => container.control('start'),
    stop: () => container.control('stop'),
    kill: () => container.control('kill'),
    pause: () => container.control('pause'),
    resume: () => container.control('unpause'),
    signal: (name) => container.signal(name),
    ending: async () => ((await container.isRunning()) ? undefined : 'the container has ended'),
    output: () => container.output(),
    async dispose() {
      await container.remove()
      await scratch[Symbol.asyncDispose]()
    },
  }
}
