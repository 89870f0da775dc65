import { allCases, describeDriverContract } from '@busbar/contract-tests'
import { profileNames, type ProfileName } from '@busbar/memory'
import { memoryHarness } from './harness/memory-harness.ts'
import { plainRunner } from './harness/plain-runner.ts'

// node --conditions=busbar-source test/contract/main.ts [profile] [part of a case id]: the suite on the memory driver without a test framework, in about a second.

const [profile, part = ''] = process.argv.slice(2)
let failed = 0
for (const name of profileNames) if (profile === undefined || profile === name) failed += await run(name)
process.exit(failed === 0 ? 0 : 1)

async function run(name: ProfileName): Promise<number> {
  const { runner, cases } = plainRunner()
  const certificate = describeDriverContract({ name, harness: memoryHarness({ profile: name }), runner, cases: allCases.filter(({ id }) => id.includes(part)) })
  for (const { name: title, body } of cases)
    await body().catch((error: unknown) => console.error(`${title}\n  ${error instanceof Error ? error.message : String(error)}`))
  const failures = certificate.results.filter(({ outcome }) => outcome === 'failed').length
  console.log(`${name}: ${certificate.results.length - failures} of ${certificate.results.length}`)
  return failures
}
