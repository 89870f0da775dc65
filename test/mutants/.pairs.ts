import { allCases } from '@busbar/contract-tests'
import { allMutants } from './all-mutants.ts'
import { killersOf, runMutant } from './run-mutant.ts'
const actual = new Set(allMutants.flatMap((m) => killersOf(m).map((k) => `${m.name} ${k}`)))
for (const c of allCases) for (const k of c.kills) {
  const m = allMutants.find((x) => x.name === k)
  if (!m) { console.log('NONE', k, c.id); continue }
  if (actual.has(`${k} ${c.id}`)) continue
  const v = await runMutant(m, c.id)
  console.log(v.killed ? 'YES' : 'no', k, c.id, v.text.slice(0, 90))
}
process.exit(0)
