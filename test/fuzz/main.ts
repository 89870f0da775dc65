/** `npm run fuzz`: see docs/contributing/testing.md. */
import { parseArguments, usage, type FuzzArguments } from './arguments.ts'
import { drawOf } from './judge.ts'
import { lines, summary } from './report.ts'
import { fuzz } from './run.ts'
import { shownInput } from './shown-input.ts'
import { targets } from './targets/index.ts'

const options = readArguments()
process.exitCode = options === undefined ? 2 : await run(options)

function readArguments(): FuzzArguments | undefined {
  try {
    return parseArguments(
      process.argv.slice(2),
      targets.map(({ name }) => name),
    )
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    return undefined
  }
}

async function run({ names, inputs, seed, from, threads }: FuzzArguments): Promise<number> {
  console.log(`fuzz: ${names.length} targets, ${inputs} inputs each, seed ${seed}`)
  if (inputs === 1) for (const target of targets) if (names.includes(target.name)) console.log(shownInput(target.generate(drawOf(seed, target.name, from))))
  const onDone = (report: Parameters<typeof lines>[0]): void => lines(report, seed).forEach((line) => console.log(line))
  const reports = await fuzz({ module: new URL('targets/index.ts', import.meta.url), names, seed, from, inputs, threads, onDone })
  const { text, clean } = summary(reports)
  console.log(text)
  return clean ? 0 : 1
}
