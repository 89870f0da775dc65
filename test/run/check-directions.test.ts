import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findDirectionErrors } from './check-directions.ts'

let base: string

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'busbar-directions-'))
  write(
    'tsconfig.json',
    '{ "references": [{ "path": "packages/core" }, { "path": "packages/memory" }, { "path": "packages/amqp" }, { "path": "packages/sns" }] }',
  )
  for (const folder of ['core', 'memory', 'amqp', 'sns']) {
    write(`packages/${folder}/package.json`, JSON.stringify({ name: `@busbar/${folder}` }))
    write(`packages/${folder}/src/index.ts`, 'export {}')
  }
})

afterEach(() => rmSync(base, { recursive: true, force: true }))

describe('dependency directions', () => {
  it('accept what the design allows', () => {
    write(
      'packages/amqp/package.json',
      JSON.stringify({ name: '@busbar/amqp', peerDependencies: { '@busbar/core': '*', amqplib: '*' }, devDependencies: { '@busbar/contract-tests': '*' } }),
    )
    write(
      'packages/amqp/src/index.ts',
      `import { connect } from 'amqplib'\nimport type { Driver } from '@busbar/core/driver'\nimport { once } from 'node:events'\nexport * from './a.ts'`,
    )
    write('packages/amqp/src/contract.test.ts', `import { suite } from '@busbar/contract-tests'\nimport { it } from 'vitest'`)
    write('packages/sns/src/index.ts', `import { sqs } from '@busbar/sqs'\nimport { parseSnsMessage } from '@busbar/sqs/foreign'`)
    expect(errors()).toEqual([])
  })

  it.each([
    ['core imports an adapter', 'core', 'index.ts', `import { memory } from '@busbar/memory'`],
    ['core imports an adapter in a test', 'core', 'a.test.ts', `import { memory } from '@busbar/memory'`],
    ['core imports a type of an adapter', 'core', 'index.ts', `import type { Memory } from '@busbar/memory'`],
    ['core imports a package at run time', 'core', 'index.ts', `import * as uuid from 'uuid'`],
    ['an adapter imports another', 'amqp', 'index.ts', `export { memory } from '@busbar/memory'`],
    ['an adapter imports another dynamically', 'amqp', 'index.ts', `const { memory } = await import('@busbar/memory')`],
    ['an adapter imports the contract suite outside tests', 'memory', 'index.ts', `import '@busbar/contract-tests'`],
    ['an adapter imports an inner file of core', 'memory', 'index.ts', `import { x } from '@busbar/core/src/x.ts'`],
    ['an import spans lines', 'memory', 'index.ts', `import {\n  a,\n  b,\n} from '@busbar/amqp'`],
    ['a relative import leaves the package', 'memory', 'queue/a.ts', `import { x } from '../../../core/src/x.ts'`],
    ['a relative import has no ending', 'memory', 'index.ts', `import { x } from './x'`],
    ['an undeclared package is imported', 'amqp', 'index.ts', `import { connect } from 'amqplib'`],
    ['an adapter imports a package whose name begins like the one that it may', 'sns', 'index.ts', `import '@busbar/sqs-other'`],
    ['the time is read', 'memory', 'index.ts', `const now = new Date()`],
  ])('refuse when %s', (_, folder, file, source) => {
    write(`packages/${folder}/src/${file}`, source)
    expect(errors()).toEqual([expect.stringContaining(`packages/${folder}/src/${file}`)])
  })

  it.each([
    ['core has a dependency', 'core', { dependencies: { ms: '*' } }],
    ['core has an adapter for development', 'core', { devDependencies: { '@busbar/memory': '*' } }],
    ['an adapter depends on another', 'memory', { peerDependencies: { '@busbar/amqp': '*' } }],
    ['an adapter has another for development', 'memory', { devDependencies: { '@busbar/amqp': '*' } }],
    ['an adapter needs the contract suite at run time', 'memory', { dependencies: { '@busbar/contract-tests': '*' } }],
  ])('refuse a manifest where %s', (_, folder, manifest) => {
    write(`packages/${folder}/package.json`, JSON.stringify({ name: `@busbar/${folder}`, ...manifest }))
    expect(errors()).toEqual([expect.stringContaining(`packages/${folder}/package.json`)])
  })

  it('ignore imports in comments', () => {
    write('packages/core/src/index.ts', `/** \`import { memory } from '@busbar/memory'\` */\n// import '@busbar/amqp'\nexport {}`)
    expect(errors()).toEqual([])
  })

  it('refuse a package that the root does not reference, and a lock file that names a registry', () => {
    write('tsconfig.json', '{}')
    write('pnpm-lock.yaml', 'resolution: {tarball: https://registry.example/x.tgz}')
    expect(errors()).toHaveLength(5)
  })
})

function errors(): string[] {
  return findDirectionErrors(base, ['core', 'memory', 'amqp', 'sns'])
}

function write(file: string, text: string): void {
  mkdirSync(dirname(join(base, file)), { recursive: true })
  writeFileSync(join(base, file), text)
}
