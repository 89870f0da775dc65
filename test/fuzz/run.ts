import { Worker } from 'node:worker_threads'
import { growthProblem } from '../soak/growth.ts'
import { mostFindings, type Finding, type Job, type Order, type Told } from './protocol.ts'

export interface FuzzOptions {
  /** Module with `targets`. */
  readonly module: URL
  /** Names of targets. */
  readonly names: readonly string[]
  readonly seed: number
  /** First index. Default 0. */
  readonly from?: number
  readonly inputs: number
  /** Threads. Default 1. */
  readonly threads?: number
  /** Longest time for one input, in milliseconds. Default 1,000. */
  readonly slowMs?: number
  /** An input that takes so long, in milliseconds, is not waited for any further. Default 10,000. */
  readonly hangMs?: number
  /** Called for every target that is done. */
  readonly onDone?: (report: TargetReport) => void
}

export interface TargetReport {
  readonly name: string
  readonly inputs: number
  readonly seconds: number
  readonly findings: readonly Finding[]
}

/** Memory that a decoder may keep in all, such as what the engine remembers of it, in bytes. */
const keptBytes = 4 * 2 ** 20
/** A worker that has more is ended: nothing here is large. */
const mostMegabytes = 1_024
const looksPerHang = 10

/** Has targets decode inputs, in threads of their own, and tells what went wrong. */
export async function fuzz(options: FuzzOptions): Promise<readonly TargetReport[]> {
  const { names, from = 0, inputs, threads = 1 } = options
  const lanes = Array.from({ length: Math.min(threads, names.length) }, (_, lane) => names.filter((_, index) => index % threads === lane))
  const reports = await Promise.all(lanes.map((lane) => new Lane(options).complete(lane.map((name): Job => ({ name, from, to: from + inputs })))))
  const all = reports.flat()
  return names.flatMap((name) => all.find((report) => report.name === name) ?? [])
}

/** Targets that run one after the other. A worker that ends before its time is followed by another, which goes on behind the input that ended it. */
class Lane {
  readonly #options: FuzzOptions
  readonly #reports: TargetReport[] = []
  #jobs: readonly Job[] = []
  /** Of the target at hand. */
  #findings: Finding[] = []
  #done = 0
  #seconds = 0
  /** When the worker at hand began with it. */
  #began = 0

  constructor(options: FuzzOptions) {
    this.#options = options
  }

  async complete(jobs: readonly Job[]): Promise<readonly TargetReport[]> {
    this.#jobs = jobs
    while (this.#jobs.length > 0) await this.#work()
    return this.#reports
  }

  /** Until the worker ends. */
  async #work(): Promise<void> {
    const { module, seed, slowMs = 1_000, hangMs = 10_000 } = this.#options
    const next = new Int32Array(new SharedArrayBuffer(4))
    const order: Order = { module: module.href, seed, jobs: this.#jobs, slowMs }
    const worker = new Worker(new URL('worker.ts', import.meta.url), {
      workerData: { order, next },
      execArgv: ['--conditions=busbar-source', '--no-warnings'],
      resourceLimits: { maxOldGenerationSizeMb: mostMegabytes },
    })
    const watch = new Watch(next, hangMs, () => void worker.terminate())
    let failure = 'its promise never settled, or its thread was ended'
    worker.on('message', (told: Told) => {
      watch.heard(told)
      this.#take(told)
    })
    worker.on('error', (error: unknown) => (failure = `its thread ended with ${String(error)}`))
    await new Promise((resolve) => worker.once('exit', resolve))
    watch.stop()
    const [job] = this.#jobs
    if (job === undefined) return
    if (!watch.begun) throw new Error(`the worker did not begin: ${failure}`)
    const index = Atomics.load(next, 0)
    const problem = watch.hangs ? `it did not come back within ${hangMs} ms` : failure
    this.#findings.push({ target: job.name, index, problem })
    this.#done += index + 1 - job.from
    this.#seconds += (performance.now() - this.#began) / 1_000
    this.#jobs = [{ ...job, from: index + 1 }, ...this.#jobs.slice(1)]
    if (index + 1 >= job.to || this.#findings.length >= mostFindings) this.#end()
  }

  #take(told: Told): void {
    if (told.kind === 'begin') this.#began = performance.now()
    if (told.kind === 'finding') this.#findings.push(told)
    if (told.kind !== 'done') return
    this.#done += told.inputs
    this.#seconds += told.seconds
    const grown = growthProblem('memory', told.heap, { atLeast: keptBytes })
    if (grown !== undefined) this.#findings.push({ target: told.target, problem: grown })
    this.#end()
  }

  #end(): void {
    const [job, ...rest] = this.#jobs
    if (job === undefined) return
    const report = { name: job.name, inputs: this.#done, seconds: this.#seconds, findings: this.#findings }
    this.#reports.push(report)
    ;[this.#jobs, this.#findings, this.#done, this.#seconds] = [rest, [], 0, 0]
    this.#options.onDone?.(report)
  }
}

/** Looks whether a worker gets on. */
class Watch {
  readonly #timer: NodeJS.Timeout
  #since = performance.now()
  #last = -1
  /** It has begun with a target. Before, it loads what it needs. */
  begun = false
  hangs = false

  constructor(next: Int32Array, hangMs: number, onHang: () => void) {
    this.#timer = setInterval(() => {
      const index = Atomics.load(next, 0)
      if (index !== this.#last) [this.#last, this.#since] = [index, performance.now()]
      if (!this.begun || performance.now() - this.#since < hangMs) return
      this.hangs = true
      this.stop()
      onHang()
    }, hangMs / looksPerHang)
  }

  heard({ kind }: Told): void {
    if (kind === 'begin') this.begun = true
    if (kind !== 'finding') this.#since = performance.now()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
