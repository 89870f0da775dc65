import { fork } from 'node:child_process'
import type { Job } from './programs.ts'
import type { Sample } from './sample.ts'
import type { Turns } from './turns.ts'

export interface RunJobOptions {
  /** Milliseconds after which the process is killed and the job has failed. Default 120,000. */
  readonly timeoutMs?: number
  /** Folder for a CPU profile of the process. */
  readonly profileFolder?: string | undefined
  /** Those that it measures in, for a job that asks for them. */
  readonly turns?: Turns | undefined
}

interface Answer {
  readonly asks?: true
  readonly sample?: Sample
  readonly error?: string
}

/** Runs a job in a fresh process. Rejects if it fails, ends without an answer or takes too long. */
export async function runJob(job: Job, options: RunJobOptions = {}): Promise<Sample> {
  const { timeoutMs = 120_000, profileFolder, turns } = options
  const { action = '' } = job.options as { readonly action?: string }
  const profileName = `${job.program} ${action}`.trim().replaceAll(' ', '-')
  const profiling =
    profileFolder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`, `--cpu-prof-name=${profileName}-${Date.now()}.cpuprofile`]
  const child = fork(new URL('./child.ts', import.meta.url), [], {
    execArgv: ['--expose-gc', '--conditions=busbar-source', ...profiling],
    // The SDK under a peer says at each start that it is out of support.
    env: { ...process.env, AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE: '1' },
    // Numbers may be infinite.
    serialization: 'advanced',
  })
  const { promise, resolve, reject } = Promise.withResolvers<Sample>()
  const timer = setTimeout(() => {
    child.kill('SIGKILL')
    reject(new Error(`${job.program} took longer than ${timeoutMs} ms: ${JSON.stringify(job.options)}`))
  }, timeoutMs)
  child.on('message', ({ asks, sample, error }: Answer) => {
    if (asks) turns?.ask(child, () => child.send('go'))
    else if (sample) resolve(sample)
    else reject(new Error(`${job.program}: ${error}`))
  })
  child.once('error', reject)
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve())
    child.once('error', () => resolve())
  })
  child.once('exit', (code, signal) => reject(new Error(`${job.program} ended with ${signal ?? code} and without a measurement`)))
  child.send(job)
  try {
    return await promise
  } finally {
    // The next one must not share the machine with the rest of this one.
    await ended
    turns?.leave(child)
    clearTimeout(timer)
  }
}
