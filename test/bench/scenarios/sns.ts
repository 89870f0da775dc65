import { runRounds } from '../engine/rounds.ts'
import { rowsOf, type Scenario } from '../engine/rows.ts'
import { nearRaw } from '../engine/targets.ts'
import { startSqsServer } from '../servers/sqs-server.ts'
import { AwsBench, sizeOf, type AwsJob } from './aws-bench.ts'
import type { Suite } from './suite.ts'

const raw = '@aws-sdk/client-sns'
/** The same with a switch of the SDK that Busbar uses, too. */
const cached = `${raw}, cacheMiddleware`
const busbar = 'busbar'
const publishing: Scenario = { name: 'SNS, publish', raw, subjects: [{ name: busbar, targets: [nearRaw] }, { name: raw }, { name: cached }] }

/** Against the plain SDK, on an emulator in a process of its own, to a topic with one queue. Receiving is that of SQS. */
export const sns: Suite = async (options) => {
  await using server = await startSqsServer()
  using bench = new AwsBench(server, options)
  const job: AwsJob = { action: 'send', ...sizeOf(options) }
  const trials = [
    bench.trial(busbar, 'busbar-sns', publishing, job, true),
    bench.trial(raw, 'raw-sns', publishing, job, true),
    bench.trial(cached, 'raw-sns', publishing, { ...job, cacheMiddleware: true }, true),
  ]
  const samples = await runRounds(trials, options.rounds, options.onProgress)
  return { rows: rowsOf(publishing, samples), versions: { fauxqs: server.version }, ran: true }
}
