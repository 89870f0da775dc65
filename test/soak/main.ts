/** `npm run soak`: see docs/contributing/testing.md. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { skipOrFail } from '../brokers/index.ts'
import { parseArguments, usage, type SoakArguments } from './arguments.ts'
import { beds, type SoakBed } from './beds.ts'
import type { SoakResult, SoakSettings } from './protocol.ts'
import { lines, summary } from './report.ts'

/** A process whose broker has drained has nothing that keeps it alive. */
const exitMs = 10_000

const options = readArguments()
process.exitCode = options === undefined ? 2 : await soak(options)

function readArguments(): SoakArguments | undefined {
  try {
    return parseArguments(process.argv.slice(2), Object.keys(beds))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    return undefined
  }
}

/** All drivers at once, each in a process of its own: what they are to bear is time, not load. */
async function soak({ drivers, maySkip, ...load }: SoakArguments): Promise<number> {
  const results = (await Promise.all(drivers.map((name) => soakOne(name, load)))).filter((result) => result !== undefined)
  const { text, clean } = summary(results)
  console.log(text)
  return clean || (maySkip && results.length === 0) ? 0 : 1
}

/** `undefined` where there is no broker to be had. */
async function soakOne(name: string, { minutes, rate }: Pick<SoakArguments, 'minutes' | 'rate'>): Promise<SoakResult | undefined> {
  const say = (text: string): void => console.log(`${name}: ${text}`)
  const found = await beds[name]?.(say)
  await using bed = found && skipOrFail(found)
  if (bed === undefined) return undefined
  const perSecond = Math.min(rate, (bed.mostMessages ?? Infinity) / (minutes * 60))
  const told = perSecond < rate ? `${perSecond.toFixed(1)} messages a second, since it takes no more in that time` : `${rate} messages a second`
  say(`${bed.title}, ${told}, for ${minutes} minutes`)
  const result = await run(bed, perSecond, minutes * 60)
  for (const line of lines(result)) say(line)
  return result
}

async function run({ settings: backend }: SoakBed, rate: number, seconds: number): Promise<SoakResult> {
  const script = fileURLToPath(new URL('soak-process.ts', import.meta.url))
  const settings: SoakSettings = { backend, rate, seconds }
  const child = spawn(process.execPath, ['--conditions=busbar-source', script, JSON.stringify(settings)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, ...backend.env },
  })
  // Nobody else would end it.
  const stop = (): boolean => child.kill('SIGKILL')
  process.once('exit', stop)
  const ended = once(child, 'exit') as Promise<[code: number | null, signal: string | null]>
  const told = Promise.withResolvers<SoakResult>()
  child.once('message', (result) => told.resolve(result as SoakResult))
  void ended.then(([code, signal]) => told.reject(new Error(`the process ended with ${code ?? signal} and told nothing`)))
  const result = await told.promise
  const timer = setTimeout(stop, exitMs)
  const [code, signal] = await ended
  clearTimeout(timer)
  process.off('exit', stop)
  const problem = signal === null && code === 0 ? [] : [`the process did not end by itself within ${exitMs} ms after drain, or ended with ${code ?? signal}`]
  return { ...result, troubles: [...result.troubles, ...problem] }
}
