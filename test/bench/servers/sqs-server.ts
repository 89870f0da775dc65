import { fork } from 'node:child_process'
import { once } from 'node:events'

/** What a client of a server of SQS is made with. */
export interface SqsAccess {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** A server of SQS in a process of its own. */
export interface SqsServer extends AsyncDisposable {
  readonly access: SqsAccess
  readonly version: string
  /** Requests that it was sent so far, and CPU that it has used, in microseconds. */
  usage(): Promise<ServerUsage>
}

export interface ServerUsage {
  readonly calls: number
  readonly cpuMicros: number
}

/** What the process says when it is ready. */
export interface Ready {
  readonly access: SqsAccess
  readonly version: string
}

/** `latencyMs`: how much later every request arrives, as from farther away. */
export async function startSqsServer(latencyMs: number = 0): Promise<SqsServer> {
  const child = fork(new URL('./sqs-server-process.ts', import.meta.url), [String(latencyMs)], {
    execArgv: ['--conditions=busbar-source', '--disable-warning=ExperimentalWarning'],
  })
  const ended = once(child, 'exit')
  const answer = async <T>(): Promise<T> => {
    const [message] = (await Promise.race([
      once(child, 'message'),
      ended.then(([code, signal]) => Promise.reject(new Error(`the server of SQS ended with ${signal ?? code}`))),
    ])) as [T]
    return message
  }
  const { access, version } = await answer<Ready>()
  return {
    access,
    version,
    usage: () => {
      const usage = answer<ServerUsage>()
      child.send('usage')
      return usage
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      await ended
    },
  }
}
