/** Benchmarks: see docs/contributing/benchmarks.md. */
import { writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { resolve } from 'node:path'
import { parseArguments, usage, type BenchArguments } from './arguments.ts'
import type { Row } from './engine/rows.ts'
import { machineReport } from './report/machine.ts'
import { table } from './report/table.ts'
import { amqp } from './scenarios/amqp.ts'
import { core } from './scenarios/core.ts'
import { imports } from './scenarios/imports.ts'
import { kinesis } from './scenarios/kinesis.ts'
import { memory } from './scenarios/memory.ts'
import { middleware } from './scenarios/middleware.ts'
import { mqtt } from './scenarios/mqtt.ts'
import { sns } from './scenarios/sns.ts'
import { sqs } from './scenarios/sqs.ts'
import type { Suite } from './scenarios/suite.ts'

const suites: Readonly<Record<string, Suite>> = { core, imports, memory, middleware, amqp, mqtt, sqs, sns, kinesis }

const options = readArguments()
if (options === undefined) process.exitCode = 2
else process.exitCode = await bench(options)

function readArguments(): BenchArguments | undefined {
  try {
    return parseArguments(process.argv.slice(2), Object.keys(suites), ['core'])
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    return undefined
  }
}

async function bench({ suites: names, jsonFile, rounds, quick, only, gate, withoutPeers, profileFolder }: BenchArguments): Promise<number> {
  const loadBefore = loadavg()
  const rows: Row[] = []
  const versions: Record<string, string> = {}
  let skipped = 0
  for (const name of names) {
    const onProgress = (text: string): void => console.error(`${name}: ${text}`)
    const suite = suites[name] as Suite
    const result = await suite({
      rounds,
      quick,
      only,
      withoutPeers,
      onProgress,
      profileFolder: profileFolder === undefined ? undefined : resolve(profileFolder),
    })
    rows.push(...result.rows)
    Object.assign(versions, result.versions)
    if (!result.ran) skipped++
  }
  const unknown = only.filter((part) => !rows.some(({ scenario }) => scenario.includes(part)))
  if (unknown.length > 0) {
    console.error(`no scenario of these suites has '${unknown.join("', '")}' in its name`)
    return 2
  }
  console.log(`\n${table(rows)}\n`)
  console.log(
    `${rounds} rounds${quick ? ', quick: too few messages for a verdict' : ''}; medians; intervals: Student's t on the logarithms of the rounds' ratios`,
  )
  console.log(machineReport(versions, loadBefore))
  if (jsonFile !== undefined) await writeFile(jsonFile, `${JSON.stringify(rows, undefined, 2)}\n`)
  return summary(rows, skipped, gate)
}

/** The last lines are what `test:full` reads. */
function summary(rows: readonly Row[], skipped: number, gate: boolean): number {
  const met = rows.filter((row) => row.met === true).length
  const missed = rows.filter((row) => row.met === false).length
  console.log(`${met} targets met, ${missed} missed, ${skipped} suites skipped`)
  if (!gate) return 0
  const outside = rows.filter((row) => row.withinGate === false)
  for (const { scenario, subject, target } of outside) console.log(`far from ${target}: ${scenario}, ${subject}`)
  console.log(`gate: ${met + missed - outside.length} within, ${outside.length} outside`)
  return outside.length > 0 ? 1 : 0
}
