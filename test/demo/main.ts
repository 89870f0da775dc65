// npm run demo: one typed program on whatever broker it is told to use, and the proof that nothing went wrong.
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '@busbar/core'
import { memoryStore } from '@busbar/memory'
import { Activity } from './activity.ts'
import { parseArguments, usage, type DemoArguments } from './arguments.ts'
import { connectTo, openBackend, type Backend } from './broker.ts'
import { destinations } from './destinations.ts'
import { allExtras, noExtras } from './extras.ts'
import { legacyDestinations } from './legacy.ts'
import { Ledger } from './ledger.ts'
import { Progress } from './progress.ts'
import { runProgram } from './program.ts'
import { expectedOf, printVerdict } from './report.ts'
import { planWorkload } from './workload.ts'

/** Starting a broker may have to download it first. */
const startMs = 600_000
const endMs = 30_000
const faultsEveryMs = 400

process.exitCode = await main()
// Whatever still holds the process open is a leak.
setTimeout(() => {
  console.error(`demo: the process does not end by itself: ${process.getActiveResourcesInfo().join(', ')}`)
  process.exit(1)
}, 5_000).unref()

async function main(): Promise<number> {
  const interrupt = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort(new Error(`interrupted by ${name}`)))
  try {
    const options = parseArguments(process.argv.slice(2))
    if (!options.help) return await demo(options, interrupt.signal)
    console.log(usage)
    return 0
  } catch (error) {
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  }
}

async function demo(options: DemoArguments, interrupted: AbortSignal): Promise<number> {
  const opening = openBackend(options.broker, { faults: options.faults, maySkip: options.maySkip, say: (text) => console.log(text) })
  const backend = await withDeadline(opening, startMs, 'the broker did not start')
  if (backend === undefined) return 0
  try {
    console.log(`running on ${backend.title}`)
    return await runOn(backend, options, interrupted)
  } finally {
    // What went wrong before matters more than what goes wrong now.
    const stopping = withDeadline(Promise.resolve(backend[Symbol.asyncDispose]()), endMs, 'the broker did not stop')
    await stopping.catch((error: unknown) => console.error(`demo: ${String(error)}`))
  }
}

async function runOn(backend: Backend, { messages, faults }: DemoArguments, interrupted: AbortSignal): Promise<number> {
  const deadlineMs = 60_000 + messages + (faults ? 60_000 : 0)
  const began = performance.now()
  const workload = planWorkload(messages)
  const ledger = new Ledger()
  const activity = new Activity()
  activity.onAcked = (source, id) => ledger.acked(source, id)
  const broker = await connectTo(backend, destinations, activity)
  const legacy = await connectTo(backend, legacyDestinations, activity)
  const status = (): string =>
    `sent ${ledger.sent}  handled ${ledger.handled}  failed and retried ${activity.failures}  dead letters ${Math.max(ledger.deadLettered, activity.givenUp.size)}`
  const stop = new AbortController()
  try {
    using progress = new Progress(status)
    const say = (text: string): void => progress.say(text)
    const signal = AbortSignal.any([interrupted, stop.signal])
    const meanwhile = (): Promise<void> => inflict(backend, say, signal)
    // Creation is never implicit. The old terminals' broker comes later and only verifies.
    const { changes } = await broker.provision({ mode: 'create' })
    backend.created?.(changes.map(({ resource }) => resource))
    const store = memoryStore({ clock: systemClock })
    const extras = faults ? allExtras(store, ledger) : noExtras
    const running = runProgram({ broker, legacy, workload, ledger, store, extras, activity, meanwhile, say, signal })
    const report = await withDeadline(unless(interrupted, running), deadlineMs, () => `not finished (${status()}, open ${ledger.open})`)
    await Promise.all([broker.drain(), legacy.drain()])
    progress[Symbol.dispose]()
    return printVerdict(ledger.verdict(), report, expectedOf(workload, faults), activity, performance.now() - began)
  } finally {
    stop.abort()
    const closing = withDeadline(Promise.all([broker.close(), legacy.close()]), endMs, 'the connections did not close')
    await closing.catch((error: unknown) => console.error(`demo: ${String(error)}`))
  }
}

/** One fault after another, with a pause before each. */
async function inflict({ faults }: Backend, say: (text: string) => void, signal: AbortSignal): Promise<void> {
  for (const fault of faults) {
    await pause(faultsEveryMs, undefined, { signal })
    say(`fault: ${fault.text}`)
    await fault.strike()
  }
}

async function withDeadline<T>(work: Promise<T>, ms: number, what: string | (() => string)): Promise<T> {
  const timer = new AbortController()
  const expired = pause(ms, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`${typeof what === 'string' ? what : what()} within ${Math.round(ms / 1_000)} s`)
  })
  try {
    return await Promise.race([work, expired])
  } finally {
    timer.abort()
  }
}

async function unless<T>(interrupted: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = (): void => reject(interrupted.reason as Error)
  interrupted.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    interrupted.removeEventListener('abort', onAbort)
    work.catch(() => undefined)
  }
}
