import { once } from 'node:events'
import type { Bed } from './core/bed.ts'
import { skipOrFail, startActivemq, startAedes, startKinesis, startMosquitto, startRabbitmq, startRedis } from './index.ts'
import type { AedesBed, KinesisBed, RabbitmqBed, Skipped } from './index.ts'

const onProgress = (text: string): void => console.error(text)
const starters = new Map<string, () => Promise<Skipped | AedesBed | Bed | KinesisBed | RabbitmqBed>>([
  ['activemq', () => startActivemq({ onProgress })],
  ['aedes', () => startAedes()],
  ['kinesis', () => startKinesis()],
  ['mosquitto', () => startMosquitto({ onProgress })],
  ['rabbitmq-3.10', () => startRabbitmq({ version: '3.10', onProgress })],
  ['rabbitmq-4.0', () => startRabbitmq({ version: '4.0', onProgress })],
  ['redis', () => startRedis({ onProgress })],
])

const starter = starters.get(process.argv[2] ?? '')
if (starter === undefined) {
  console.error(`usage: node test/brokers/main.ts ${[...starters.keys()].join(' | ')}`)
  process.exit(2)
}
await using bed = skipOrFail(await starter())
if (bed !== undefined) {
  const management = 'managementUrl' in bed ? `\nmanagement ${bed.managementUrl ?? 'none'}` : ''
  console.log(`version ${bed.version} (${'how' in bed ? bed.how : 'npm'})\nurl ${bed.url}${management}\nCtrl-C ends it`)
  // Waiting for a signal alone does not keep the process alive.
  const alive = setInterval(() => {}, 60_000)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  clearInterval(alive)
}
