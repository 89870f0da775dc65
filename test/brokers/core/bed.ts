import type { How } from './find.ts'
import type { Instance } from './instance.ts'
import { until } from './until.ts'

/** A broker for tests. What controls the server itself throws a `TypeError` when it is not ours (`how` is `environment`); ask for `own: true` to never get such a bed. */
export interface Bed extends AsyncDisposable {
  /** With user and password, if it needs them. */
  readonly url: string
  /** What the server says it is, such as `7.0.15`. */
  readonly version: string
  readonly how: How
  /** Starts it again on the same ports after `stop` or `kill`, with the data that was kept, and waits until it answers. */
  start(): Promise<void>
  /** Ends it cleanly (SIGTERM). */
  stop(): Promise<void>
  /** Ends it at once (SIGKILL). */
  kill(): Promise<void>
  /** Freezes it (SIGSTOP): connections stay open, nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** The last lines of the server's log. */
  output(): Promise<string>
}

export interface BedOptions {
  /**
   * Needs an instance of its own, to be killed for example: the URL in the environment does not serve.
   * Default: only when there are settings.
   */
  readonly own?: boolean
  /** Told about slow steps, such as a download. */
  readonly onProgress?: (text: string) => void
}

export interface Server {
  /** For messages. */
  readonly broker: string
  readonly url: string
  readonly how: How
  /** `undefined`: given by the environment. */
  readonly instance: Instance | undefined
  /** How long it may take until it answers, when it is ours. */
  readonly startTimeoutMs: number
  /** Connects once, and gives the version that the server names. */
  readonly greet: () => Promise<string>
}

/** Starts the server, if it is ours, and waits until it answers. Disposes of it when it does not. */
export async function startBed(server: Server): Promise<Bed> {
  const { url, how, instance } = server
  try {
    await instance?.start()
    return { url, how, version: await answer(server), ...controls(server) }
  } catch (error) {
    await instance?.dispose()
    throw error
  }
}

function controls(server: Server): Omit<Bed, 'url' | 'version' | 'how'> {
  const ours = (): Instance => owned(server)
  return {
    async start() {
      await ours().start()
      await answer(server)
    },
    stop: async () => await ours().stop(),
    kill: async () => await ours().kill(),
    pause: async () => await ours().pause(),
    resume: async () => await ours().resume(),
    output: async () => await ours().output(),
    [Symbol.asyncDispose]: async () => await server.instance?.dispose(),
  }
}

/** The instance of a server that is ours. */
export function owned({ broker, instance }: Pick<Server, 'broker' | 'instance'>): Instance {
  if (instance === undefined) throw new TypeError(`this ${broker} was given by the environment and is not ours to control`)
  return instance
}

async function answer({ broker, how, instance, startTimeoutMs, greet }: Server): Promise<string> {
  let ending: string | undefined
  const attempt = async (): Promise<string> => {
    ending = await instance?.ending()
    return await greet()
  }
  try {
    return await until(`${broker} (${how})`, attempt, { timeoutMs: instance === undefined ? 5_000 : startTimeoutMs, hopeless: () => ending, intervalMs: 10 })
  } catch (error) {
    const output = (await instance?.output()) ?? ''
    throw new Error(`${broker} (${how}) does not answer\n${output}`, { cause: error })
  }
}
