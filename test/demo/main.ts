// npm run demo: the same typed program on whatever broker it is told to use, and the proof that nothing went wrong.
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '@busbar/core'
import { memoryStore } from '@busbar/memory'
import { Activity } from './activity.ts'
import { parseArguments, usage, type DemoArguments } from './arguments.ts'
import { connectTo, openBackend, type Backend } from './broker.ts'
import { destinations } from './destinations.ts'
import { legacyDestinations } from './legacy.ts'
import { Ledger } from './ledger.ts'
import { Progress } from './progress.ts'
import { runProgram } from './program.ts'
import { printVerdict } from './report.ts'
import { planWorkload } from './workload.ts'

/** Starting a broker may have to download it first. */
const startMs = 600_000
const endMs = 30_000
const faultsEveryMs = 400

process.exitCode = await main()
// Whatever still holds the process open is a leak.
setTimeout(() => {
  console.error(`demo: the process does not end: ${process.getActiveResourcesInfo().join(', ')}`)
  process.exit(1)
}, 5_000).unref()

async function main(): Promise<number> {
  const interrupt = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupt.abort(new Error(`interrupted by ${name}`)))
  try {
    const options = parseArguments(process.argv.slice(2))
    if (options.help) {
      console.log(usage)
      return 0
    }
    return await demo(options, interrupt.signal)
  } catch (error) {
    console.error(`demo: ${error instanceof Error ? error.message : String(error)}`)
    return 1
  }
}

async function demo(options: DemoArguments, interrupted: AbortSignal): Promise<number> {
  const say = (text: string): void => console.log(text)
  const backend = await withDeadline(openBackend(options.broker, { faults: options.faults, say }), startMs, 'the broker did not start')
  if (backend === undefined) return 0
  try {
    say(`running on ${backend.title}`)
    return await runOn(backend, options, interrupted)
  } finally {
    await withDeadline(backend[Symbol.asyncDispose](), endMs, 'the broker did not stop')
  }
}

async function runOn(backend: Backend, { messages, faults }: DemoArguments, interrupted: AbortSignal): Promise<number> {
  const deadlineMs = 60_000 + messages / 5 + (faults ? 60_000 : 0)
  const signal = AbortSignal.any([interrupted, AbortSignal.timeout(deadlineMs)])
  const ledger = new Ledger()
  const activity = new Activity()
  const workload = planWorkload(messages)
  const broker = await connectTo(backend, destinations, activity)
  const legacy = await connectTo(backend, legacyDestinations, activity)
  const status = (): string =>
    `sent ${ledger.sent}  handled ${ledger.handled}  failed and retried ${activity.failures}  dead-lettered ${Math.max(ledger.deadLettered, activity.givenUp.size)}`
  const started = performance.now()
  try {
    using progress = new Progress(status)
    const say = (text: string): void => progress.say(text)
    const inflict = new AbortController()
    const meanwhile = (): Promise<void> => strike(backend, say, AbortSignal.any([signal, inflict.signal]))
    const store = memoryStore({ clock: systemClock })
    const report = await interruptible(runProgram({ broker, legacy, workload, ledger, store, activity, meanwhile, say, signal }), signal, () => {
      inflict.abort()
      return `not finished after ${Math.round((performance.now() - started) / 1_000)} s: ${status()}, ${ledger.open} open`
    })
    await Promise.all([broker.drain(), legacy.drain()])
    progress[Symbol.dispose]()
    return printVerdict(ledger.verdict(), report, activity, performance.now() - started)
  } finally {
    await withDeadline(Promise.all([broker.close(), legacy.close()]), endMs, 'the connections did not close')
  }
}
