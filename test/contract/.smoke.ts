import { describeDriverContract, allCases } from '@busbar/contract-tests'
import { memoryHarness } from '/work/main/test/contract/harness/memory-harness.ts'
import { plainRunner } from '/work/main/test/contract/harness/plain-runner.ts'
const [profile = 'full', filter = ''] = process.argv.slice(2)
const harness = memoryHarness({ profile: profile as never })
const { runner, cases } = plainRunner()
const only = allCases.filter((c) => c.id.includes(filter.split('@')[0]!))
const kind = filter.split('@')[1]
const cert = describeDriverContract({ name: profile, harness, runner, cases: only })
let failed = 0
for (const c of cases) {
  if (kind && !c.name.includes(` ${kind} `)) continue
  const t = performance.now()
  let timer: NodeJS.Timeout
  try {
    await Promise.race([c.body(), new Promise((_, r) => { timer = setTimeout(() => r(new Error('REAL TIMEOUT 10s')), 10000) })])
    if (process.env['V']) console.log('ok  ', c.name.slice(0, 120), (performance.now() - t).toFixed(0))
  } catch (e) {
    failed++
    console.log('FAIL', c.name.slice(0, 100), '\n      ', process.env['V'] ? e : String((e as Error)?.message ?? e).slice(0, 300), (performance.now() - t).toFixed(0) + 'ms')
  }
  clearTimeout(timer!)
}
console.log(profile, cases.length - failed, 'passed', failed, 'failed', 'not examined', cert.results.filter((r) => r.outcome === 'not-examined').length)
process.exit(0)
