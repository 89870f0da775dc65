import { connectAsync, type IClientOptions } from 'mqtt'
import { skipOrFail, startMosquitto } from '../../brokers/index.ts'
import { runJob } from '../engine/run-job.ts'
import { timesOf } from '../engine/targets.ts'
import { sessionSeconds } from '../subjects/mqtt-subject.ts'
import { busbar, type Adapter, type Place, type WantedPlace } from './adapter.ts'
import { runShared } from './shared-trials.ts'
import type { Entry } from './shared.ts'
import type { Suite, SuiteOptions } from './suite.ts'

const raw = 'mqtt'
const ackAfter = 'mqtt, ack after the handler'
const unlimited = 'mqtt, any number of handlers'
const fillMs = 300_000
/** More than a million messages of 256 bytes are to the broker. */
const memoryLimitBytes = 3 * 2 ** 30

/** Against the raw client, on a mosquitto of its own. */
export const mqtt: Suite = async (options) => {
  await using bed = skipOrFail(await startMosquitto({ own: true, config: { memory_limit: memoryLimitBytes }, onProgress: options.onProgress }))
  if (bed === undefined) return { rows: [], versions: {}, ran: false }
  const { rows } = await runShared(adapterOf(bed.url), entriesOf(options), options)
  return { rows, versions: { mosquitto: bed.version }, ran: true }
}

function adapterOf(url: string): Adapter {
  return {
    title: 'MQTT',
    verb: 'publish',
    raw,
    clients: {
      [busbar]: { program: 'busbar-mqtt' },
      [raw]: { program: 'raw-mqtt' },
      [ackAfter]: { program: 'raw-mqtt-ack-after' },
      [unlimited]: { program: 'raw-mqtt-unlimited' },
    },
    work: { inFlight: 500, concurrency: 100 },
    sessions: true,
    place: (wanted) => placeAt(url, wanted),
  }
}

function entriesOf({ quick }: SuiteOptions): Entry[] {
  const size = quick ? { warmup: 5_000, messages: 10_000 } : { warmup: 20_000, messages: 40_000 }
  const few = { warmup: 50, messages: quick ? 150 : 400 }
  // The runtime compiles both clients for good when some 10,000 have been sent.
  const single = { warmup: quick ? 1_000 : 20_000, messages: quick ? 1_000 : 5_000 }
  const held = { shape: 'hold', once: true, clients: [busbar, ackAfter] } as const
  return [
    { shape: 'oneByOne', size: single },
    { shape: 'atLoad', size },
    { shape: 'consume', size, reported: [ackAfter] },
    {
      shape: 'consumeWorking',
      size,
      sizes: { [ackAfter]: few },
      reported: [ackAfter, unlimited],
      targets: [timesOf(ackAfter, 60), timesOf(raw, 0.6)],
    },
    { shape: 'consumeSlow', size: { warmup: 500, messages: quick ? 1_500 : 4_000 }, sizes: { [ackAfter]: few }, reported: [ackAfter], targets: [] },
    { shape: 'latency', size: { warmup: 1.5, messages: quick ? 2 : 4 }, reported: [ackAfter] },
    { shape: 'drain', size: { warmup: 3_000, messages: 3_000 } },
    { shape: 'hotStrict', size: single },
    { shape: 'hotPipelined', size },
    { ...held, size: { warmup: 0, messages: 10_000 } },
    { ...held, size: { warmup: 0, messages: quick ? 100_000 : 1_000_000 } },
  ]
}

/**
 * A topic is there when it is named. To what is only sent, a session subscribes that is away, and is gone with the place. All others belong to the clients that receive,
 * which make them, and end by themselves some minutes after.
 */
async function placeAt(url: string, { name, work }: WantedPlace): Promise<Place> {
  const access = { url, place: name }
  const away = work.action.startsWith('send ')
  if (away) await visit(url, name, true)
  return {
    access,
    async fill(messages) {
      await runJob({ program: 'raw-mqtt', options: { ...work, ...access, action: 'fill', warmup: 0, messages } }, { timeoutMs: fillMs })
    },
    async [Symbol.asyncDispose]() {
      if (away) await visit(url, name, false)
    },
  }
}

/** Leaves a session behind, or ends it. */
async function visit(url: string, topic: string, stays: boolean): Promise<void> {
  const session: IClientOptions = stays ? { clean: false, properties: { sessionExpiryInterval: sessionSeconds } } : { clean: true }
  const client = await connectAsync(url, { protocolVersion: 5, clientId: `away-${topic}`, ...session })
  if (stays) await client.subscribeAsync(topic, { qos: 1 })
  await client.endAsync()
}
