// Three processes of a group over Redis, killed in turn for minutes: node --conditions=busbar-source test/kinesis/main.ts
import { skipOrFail, startKinesis, startRedis } from '../brokers/index.ts'
import { groupRun } from './support/group-run.ts'

const rounds = 1_000
const killEveryMs = 5_000

await using bed = await startKinesis()
await using redis = skipOrFail(await startRedis({}))
if (redis !== undefined) {
  const { messages, kills, reshards, wrong, repeated, behindMs } = await groupRun({
    account: { url: bed.url, credentials: bed.account() },
    redisUrl: redis.url,
    rounds,
    killEveryMs,
  })
  console.log(`${repeated.plain} of ${messages} repeated (at most ${repeated.mostPlain}), ${repeated.once} with idempotency (at most ${repeated.mostOnce})`)
  if (wrong.length > 0) console.log(`lost or out of order: ${wrong.join(', ')}`)
  const right = wrong.length === 0 && behindMs === 0 && repeated.plain <= repeated.mostPlain && repeated.once <= repeated.mostOnce
  if (!right) process.exitCode = 1
  console.log(`group: ${kills} kills and ${reshards} reshards ${right ? 'survived' : 'not survived'}`)
}
