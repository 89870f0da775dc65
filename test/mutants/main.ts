import { readFile, writeFile } from 'node:fs/promises'
import { allCases } from '@busbar/contract-tests'
import { allMutants } from './all-mutants.ts'
import { killTable } from './kill-table.ts'
import { legalDrivers, runLegal } from './legal.ts'
import type { Mutant } from './mutant.ts'
import { killersOf, profilesOf, runMutant, runSound } from './run-mutant.ts'
import { runStoreMutants } from './stores/run-store-mutants.ts'

// npm run mutants [-- --write] [-- <part of a name>]: every broken driver and store must be killed by its case, and every legal driver must pass.

const page = new URL('../../docs/reference/mutants.md', import.meta.url)
const wanted = process.argv.slice(2).find((argument) => !argument.startsWith('-'))
const mutants = allMutants.filter(({ name }) => wanted === undefined || name.includes(wanted))
const startedAt = performance.now()
const problems: string[] = []
let killed = 0
const sound = new Map<string, string | undefined>()

for (const mutant of mutants) {
  const survivals = await survivalsOf(mutant)
  if (survivals.length === 0) killed++
  problems.push(...survivals)
}

const stores = await runStoreMutants(wanted, process.argv.includes('--verbose') ? console.log : undefined)
killed += stores.killed
problems.push(...stores.problems)

if (wanted === undefined) {
  problems.push(...namesThatDiffer())
  for (const legal of legalDrivers)
    for (const profile of legal.profiles)
      for (const text of await runLegal(legal, profile)) problems.push(`legal driver ${legal.name} on ${profile} fails ${text}`)
  const text = killTable(allMutants, legalDrivers)
  if (process.argv.includes('--write')) await writeFile(page, text)
  else if ((await readFile(page, 'utf8').catch(() => '')) !== text) problems.push('docs/reference/mutants.md is out of date: run with --write')
}

for (const problem of problems) console.error(problem)
console.log(`${legalDrivers.length} legal drivers, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
console.log(`killed ${killed} of ${mutants.length + stores.total}`)
process.exit(problems.length === 0 ? 0 : 1)

/** Why the mutant is not killed by each of its cases. */
async function survivalsOf(mutant: Mutant): Promise<string[]> {
  const survivals: string[] = []
  for (const profile of profilesOf(mutant)) {
    for (const killer of killersOf(mutant)) {
      const verdict = await runMutant(mutant, killer, profile)
      if (!verdict.killed) {
        survivals.push(`${mutant.name} survives on ${profile}: ${verdict.text}`)
        continue
      }
      const key = `${profile} ${killer} ${verdict.kind}`
      if (!sound.has(key)) sound.set(key, await runSound(profile, killer, verdict.kind))
      const failure = sound.get(key)
      if (failure !== undefined) survivals.push(`${mutant.name}: ${killer} (${profile}, ${verdict.kind}) fails on the sound driver too: ${failure}`)
      if (process.argv.includes('--verbose')) console.log(`killed ${mutant.name} on ${profile} by ${killer} (${verdict.kind}): ${verdict.text}`)
    }
  }
  return survivals
}

/** A case names the mutants that it kills, and a mutant the case that kills it: both must say the same. */
function namesThatDiffer(): string[] {
  const named = allCases.flatMap(({ id, kills }) => kills.map((name) => `${name} by ${id}`))
  const actual = allMutants.flatMap((mutant) => killersOf(mutant).map((killer) => `${mutant.name} by ${killer}`))
  const missing = named.filter((text) => !actual.includes(text)).map((text) => `a case claims to kill ${text}, and no mutant says so`)
  const unnamed = actual.filter((text) => !named.includes(text)).map((text) => `a mutant says that it is killed: ${text}, and the case does not name it`)
  const twice = actual.filter((text, index) => actual.indexOf(text) !== index).map((text) => `there are two mutants ${text}`)
  return [...missing, ...unnamed, ...twice]
}
