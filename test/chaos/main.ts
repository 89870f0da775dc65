/** `npm run chaos`: see docs/reference/chaos.md. */
import { skipOrFail, startRedis } from '../brokers/index.ts'
import { parseArguments, usage, type ChaosArguments } from './arguments.ts'
import { amqpBackend } from './backends/amqp.ts'
import { snsBackend, sqsBackend } from './backends/aws.ts'
import type { BackendFactory } from './backends/backend.ts'
import { kinesisBackend } from './backends/kinesis.ts'
import { mqttBackend } from './backends/mqtt.ts'
import { redisBackend } from './backends/redis.ts'
import { lines, summary } from './report.ts'
import { run, type RunReport } from './run.ts'

const backends: Readonly<Record<string, BackendFactory>> = {
  amqp: amqpBackend,
  sqs: sqsBackend,
  sns: snsBackend,
  kinesis: kinesisBackend,
  mqtt: mqttBackend,
  redis: redisBackend,
}

const options = readArguments()
process.exitCode = options === undefined ? 2 : await chaos(options)

function readArguments(): ChaosArguments | undefined {
  try {
    return parseArguments(process.argv.slice(2), Object.keys(backends))
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    return undefined
  }
}

/** One backend after the other. */
async function chaos({ backends: names, messages, seed, minutes, keep, maySkip }: ChaosArguments): Promise<number> {
  const reports: RunReport[] = []
  for (const name of names) {
    const say = (text: string): void => console.log(`${name}: ${text}`)
    await using redis = skipOrFail(await startRedis({ persistence: 'always' }))
    const lent = { redis, say }
    const found = await (backends[name] as BackendFactory)(lent)
    await using backend = skipOrFail(found)
    if (backend === undefined) continue
    const count = Math.min(messages, backend.mostMessages ?? Infinity)
    say(`${backend.title}, ${count} messages${count < messages ? ', since it is too slow for more' : ''}, seed ${seed}`)
    const report = await run(backend, { messages: count, seed, minutes, keep, redisUrl: backend.redisUrl ?? redis?.url, say })
    for (const line of lines(report, keep)) say(line)
    reports.push(report)
  }
  const { text, clean, skipped } = summary(reports)
  console.log(text)
  return clean || (maySkip && skipped) ? 0 : 1
}
