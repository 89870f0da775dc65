import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { filesBelow, root } from '../paths.ts'
import type { VitestPart } from '../vitest-part.ts'
import { allParts } from './index.ts'

const parts = allParts.filter((part): part is VitestPart => 'files' in part && part.full !== true).map((part) => ({ ...part, files: part.files() }))
const testFiles = ['packages', 'test'].flatMap((folder) => filesBelow(folder, '.test.ts'))

it('every test file belongs to exactly one part', () => {
  const owners = testFiles.map((file) => [file, parts.filter((part) => part.files.includes(file)).map(({ name }) => name)] as const)
  expect(owners.filter(([, names]) => names.length !== 1)).toEqual([])
  expect(parts.flatMap((part) => part.files).toSorted()).toEqual(testFiles.toSorted())
})

it('files that begin first are files of their part', () => {
  expect(parts.flatMap((part) => part.first.filter((file) => !part.files.includes(file)))).toEqual([])
  expect(parts.some((part) => part.first.length > 0)).toBe(true)
})

it('test files that start brokers belong to parts that run alone, but for the stores, which wait beside the demo', () => {
  const starting = testFiles.filter((file) => reaches(file, 'test/brokers/index.ts'))
  expect(starting).toEqual(expect.arrayContaining(['test/amqp/queues.test.ts', 'test/contract/amqp.test.ts', 'test/middleware/on-drivers/rabbitmq.test.ts']))
  const together = parts.filter(({ name, alone }) => alone !== true && name !== 'stores').flatMap((part) => part.files)
  expect(starting.filter((file) => together.includes(file))).toEqual([])
})

/** Does the file import the other, by any number of files in between? */
function reaches(file: string, target: string, seen: Set<string> = new Set()): boolean {
  if (file === target) return true
  if (seen.has(file) || !existsSync(join(root, file))) return false
  seen.add(file)
  const source = readFileSync(join(root, file), 'utf8')
  const imported = [...source.matchAll(/(?:^|\n)(?:import|export) (?!type )[^'"]*?from '(\.[^']+)'/g)].map(([, path = '']) => join(dirname(file), path))
  return imported.some((next) => reaches(next, target, seen))
}
