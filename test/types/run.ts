/** Compiles the type tests: what must compile does, and what must not fails with a text that names the remedy. The last line holds the counts. */
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { compare, readDiagnostics, readExpectations } from './compare.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = 'test/types'

const compiler = spawnSync(`${root}/node_modules/.bin/tsc`, ['-p', folder, '--pretty', 'false'], { cwd: root, encoding: 'utf8' })
if (compiler.error !== undefined) throw compiler.error

const files = globSync(`${folder}/**/*.test-d.ts`, { cwd: root }).toSorted()
const expected = files.flatMap((file) => readExpectations(file, readFileSync(`${root}/${file}`, 'utf8')))
const problems = compare(expected, readDiagnostics(compiler.stdout))

// Type-level assertions of the positive files: each is an error if it does not hold.
const assertions = files.flatMap((file) => readFileSync(`${root}/${file}`, 'utf8').match(/\bExpect</g) ?? []).length
for (const problem of problems) console.log(problem)
console.log(`${expected.length + assertions - Math.min(problems.length, expected.length)} passed, ${problems.length} failed`)
process.exitCode = problems.length > 0 || files.length === 0 ? 1 : 0
