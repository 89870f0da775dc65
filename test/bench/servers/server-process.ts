import { fork } from 'node:child_process'
import { once } from 'node:events'

/** A server in a process of its own, which answers each request to it with one message. */
export interface ServerProcess<Ready> extends AsyncDisposable {
  /** What it said first. */
  readonly ready: Ready
  ask<Answer>(request: unknown): Promise<Answer>
}

export interface ServerUsage {
  /** Requests that it was sent so far. */
  readonly calls: number
  /** CPU that it has used, in microseconds. */
  readonly cpuMicros: number
}

/** `what`: for texts. */
export async function startServerProcess<Ready>(what: string, program: URL, args: readonly string[] = []): Promise<ServerProcess<Ready>> {
  const child = fork(program, args, { execArgv: ['--conditions=busbar-source', '--disable-warning=ExperimentalWarning'] })
  const ended = once(child, 'exit')
  const answer = async <T>(): Promise<T> => {
    const [message] = (await Promise.race([
      once(child, 'message'),
      ended.then(([code, signal]) => Promise.reject(new Error(`the server of ${what} ended with ${signal ?? code}`))),
    ])) as [T]
    return message
  }
  const ready = await answer<Ready>()
  return {
    ready,
    ask: <Answer>(request: unknown) => {
      const answered = answer<Answer>()
      child.send(request as object)
      return answered
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      await ended
    },
  }
}
