import { createHash } from 'node:crypto'
import { parentPort, Worker, workerData } from 'node:worker_threads'

/** What `work` takes on the machine on which the budgets were measured, both of its cores busy, in milliseconds: it took 140 where a schedule of the simulation took 21, and a schedule took 10 there. */
const referenceMs = 70

/** Tells the workers of this file from a worker that imports it. */
const task = 'machine-speed'

/** Beyond this a machine is not slow but stuck. */
const mostSlowness = 3

/**
 * How many times longer this machine takes than the one on which the budgets were measured: 1 to 3.
 * The middle of five rounds on two cores, which is what the certificate uses.
 */
export async function slowness(): Promise<number> {
  const workers = [0, 1].map(() => new Worker(new URL(import.meta.url), { workerData: task }))
  try {
    const rounds = await Promise.all(workers.map((worker) => new Promise<number[]>((resolve, reject) => worker.once('message', resolve).once('error', reject))))
    return slownessOf(rounds.flat())
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
}

/** Of the milliseconds that rounds of the work took. */
export function slownessOf(rounds: readonly number[]): number {
  const middle = rounds.toSorted((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? Number.NaN
  return Math.min(mostSlowness, Math.max(1, middle / referenceMs))
}

/** What the tests do most, and none of our own code, whose speed is not that of the machine. */
async function work(): Promise<void> {
  const known = new Map<string, unknown>()
  for (let step = 0; step < 20_000; step++) {
    const text = JSON.stringify({ id: step, key: `key-${step % 97}`, body: 'x'.repeat(200), tags: [step, step + 1] })
    known.set(createHash('sha256').update(text).digest('hex'), await Promise.resolve(JSON.parse(text)))
  }
}

if (workerData === task && parentPort !== null) {
  const rounds: number[] = []
  for (let round = 0; round < 5; round++) {
    const began = performance.now()
    await work()
    rounds.push(performance.now() - began)
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- of a window; a port has none
  parentPort.postMessage(rounds)
}
