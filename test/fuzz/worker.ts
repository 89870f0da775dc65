/** Decodes one input after the other and tells what it finds. A thread of its own, so that a decoder that hangs can be ended. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { parentPort, workerData } from 'node:worker_threads'
import { drawOf, judge, type Judgement } from './judge.ts'
import { Prototypes } from './prototypes.ts'
import { mostFindings, type Order, type Told } from './protocol.ts'
import { shownInput } from './shown-input.ts'
import type { Target } from './target.ts'

/** So often the heap is looked at, if there are as many inputs as show growth. */
const heapSamples = 24
const fewestForHeap = 50_000
const thoroughEvery = 4_096
const turnEvery = 512

/** `next`: the index of the input at hand. */
const { order, next } = workerData as { readonly order: Order; readonly next: Int32Array }
const { targets } = (await import(order.module)) as { readonly targets: readonly Target[] }
const prototypes = new Prototypes()
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
let [current, index, findings] = ['', 0, 0]

process.on('unhandledRejection', (reason) => found(`a promise was left to reject: ${String(reason)}`))

for (const { name, from, to } of order.jobs) {
  const target = targets.find((one) => one.name === name)
  if (target === undefined) throw new TypeError(`there is no target ${name}`)
  await run(target, from, to)
}
tell({ kind: 'end' })

async function run(target: Target, from: number, to: number): Promise<void> {
  Atomics.store(next, 0, from)
  ;[current, findings] = [target.name, 0]
  tell({ kind: 'begin', target: target.name })
  const heap: number[] = []
  const sampleEvery = to - from < fewestForHeap ? Infinity : Math.floor((to - from) / heapSamples)
  const began = performance.now()
  for (index = from; index < to && findings < mostFindings; index++) {
    // What has ended is cleared away between turns of the event loop, of which decoders alone make none.
    if (index % turnEvery === 0) await new Promise((resolve) => setImmediate(resolve))
    if ((index - from) % sampleEvery === 0) heap.push(bytesInUse())
    const judged = judgeInTime(target)
    const problem = judged instanceof Promise ? await judged : judged
    if (problem !== undefined) found(problem, target)
    if (index % thoroughEvery === 0) lookThoroughly()
    Atomics.store(next, 0, index + 1)
  }
  lookThoroughly()
  tell({ kind: 'done', target: target.name, inputs: index - from, seconds: (performance.now() - began) / 1_000, heap })
}

/** Of no single input: one of those since the last look. */
function lookThoroughly(): void {
  if (prototypes.restore().length === 0) return
  findings++
  tell({ kind: 'finding', target: current, problem: `one of the last ${thoroughEvery} inputs has changed what all objects share` })
}

function inputOf(target: Target): unknown {
  return target.generate(drawOf(order.seed, target.name, index))
}

/** An input that took too long is decoded once more, and its computing time is taken: the machine may have been busy. */
function judgeInTime(target: Target): Judgement | Promise<Judgement> {
  const input = inputOf(target)
  const began = performance.now()
  const judged = judge(target, input, prototypes)
  const again = (problem: Judgement): Judgement | Promise<Judgement> => problem ?? (performance.now() - began > order.slowMs ? judgeAgain(target) : undefined)
  return judged instanceof Promise ? judged.then(again) : again(judged)
}

async function judgeAgain(target: Target): Promise<Judgement> {
  const input = inputOf(target)
  const began = process.threadCpuUsage()
  const problem = await judge(target, input, prototypes)
  const { user, system } = process.threadCpuUsage(began)
  const tookMs = (user + system) / 1_000
  return problem ?? (tookMs > order.slowMs ? `it took ${Math.round(tookMs)} ms` : undefined)
}

function found(problem: string, target?: Target): void {
  findings++
  const input = target && shownInput(inputOf(target))
  tell({ kind: 'finding', target: current, index, problem, ...(input !== undefined && { input }) })
}

function bytesInUse(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function tell(told: Told): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads has no origin
  parentPort?.postMessage(told)
}
