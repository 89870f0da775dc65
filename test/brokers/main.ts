import { once } from 'node:events'
import { skipOrFail, startRabbitmq } from './index.ts'

const onProgress = (text: string): void => console.error(text)
const starters = new Map([
  ['rabbitmq-3.10', () => startRabbitmq({ version: '3.10', onProgress })],
  ['rabbitmq-4.0', () => startRabbitmq({ version: '4.0', onProgress })],
])

const starter = starters.get(process.argv[2] ?? '')
if (starter === undefined) {
  console.error(`usage: node test/brokers/main.ts ${[...starters.keys()].join(' | ')}`)
  process.exit(2)
}
await using bed = skipOrFail(await starter())
if (bed !== undefined) {
  console.log(`version ${bed.version} (${bed.how})\nurl ${bed.url}\nmanagement ${bed.managementUrl ?? 'none'}\nCtrl-C ends it`)
  // Waiting for a signal alone does not keep the process alive.
  const alive = setInterval(() => {}, 60_000)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  clearInterval(alive)
}
