import { allCases, runCase } from '@busbar/contract-tests'
import { amqpHarness } from '../harness/amqp-harness.ts'
const bed = await amqpHarness((process.env['V'] ?? '4.0') as never)
const [kind, ...ids] = process.argv.slice(2)
await Promise.all(ids.map(async (id) => {
  const c = allCases.find((x) => x.id === id)!
  const t = Date.now()
  try { await runCase(c, bed!.harness, kind as never); console.log('ok', id, Date.now() - t) } catch (e) { console.log('FAIL', id, Date.now() - t, e) }
}))
await bed![Symbol.asyncDispose]()
process.exit(0)
