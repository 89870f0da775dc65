import { stripVTControlCharacters } from 'node:util'
import type { Part, PartContext, PartResult } from './part.ts'

export interface Finished {
  readonly part: Part
  readonly result: PartResult
  readonly seconds: number
}

/** Runs the parts in order, two at a time where they allow it (the certificate is sized for two cores), and those in the background beside them. Never rejects. */
export async function runParts(parts: readonly Part[], stop: AbortSignal, print: (line: string) => void): Promise<Finished[]> {
  const finished: Finished[] = []
  const running = new Set<Promise<void>>()
  const background: Promise<unknown>[] = []
  for (const part of parts) {
    if (part.background === true) {
      background.push(runPart(part, stop, print).then((done) => finished.push(done)))
      continue
    }
    const room = part.alone === true ? 0 : 1
    while (running.size > room) await Promise.race(running)
    const run = runPart(part, stop, print).then((done) => {
      finished.push(done)
      running.delete(run)
    })
    running.add(run)
    if (part.alone === true) await run
  }
  await Promise.all([...running, ...background])
  return finished.toSorted((a, b) => parts.indexOf(a.part) - parts.indexOf(b.part))
}

async function runPart(part: Part, stop: AbortSignal, print: (line: string) => void): Promise<Finished> {
  const budget = AbortSignal.timeout(part.budgetSeconds * 1_000)
  const context: PartContext = { signal: AbortSignal.any([budget, stop]), log: (line) => print(`[${part.name}] ${line}`) }
  const began = performance.now()
  context.log(`started (budget ${part.budgetSeconds} s)`)
  let result = await part.run(context).catch((error: unknown) => broken(error))
  if (budget.aborted) result = withFailure(result, `over its budget of ${part.budgetSeconds} s and stopped`)
  else if (stop.aborted) result = withFailure(result, `interrupted: ${String(stop.reason)}`)
  const seconds = (performance.now() - began) / 1_000
  context.log(`${result.failed === 0 ? 'passed' : 'FAILED'} in ${seconds.toFixed(1)} s`)
  return { part, result, seconds }
}

function broken(error: unknown): PartResult {
  const text = stripVTControlCharacters(error instanceof Error ? (error.stack ?? error.message) : String(error))
  const ours = text.split('\n').filter((line) => line.trim() !== '' && !/^\s+at .*(node_modules|node:)/.test(line))
  return { passed: 0, failed: 1, skipped: [], failures: [ours.join('\n')] }
}

function withFailure(result: PartResult, failure: string): PartResult {
  return { ...result, failed: result.failed + 1, failures: [...result.failures, failure] }
}
