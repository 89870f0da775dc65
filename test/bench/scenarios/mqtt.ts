import { skipOrFail, startMosquitto } from '../../brokers/index.ts'
import type { ProgramName } from '../engine/programs.ts'
import { runRounds, type Trial } from '../engine/rounds.ts'
import { rowsOf, type Scenario } from '../engine/rows.ts'
import { runJob } from '../engine/run-job.ts'
import type { Sample } from '../engine/sample.ts'
import { nearRaw, timesOf } from '../engine/targets.ts'
import type { MqttJob } from '../subjects/mqtt-subject.ts'
import type { Suite, SuiteOptions } from './suite.ts'

const busbar = 'busbar'
const raw = 'mqtt'
const ackAfter = 'mqtt, ack after the handler'
const unlimited = 'mqtt, any number of handlers'
const programs: Readonly<Record<string, ProgramName>> = {
  [busbar]: 'busbar-mqtt',
  [raw]: 'raw-mqtt',
  [unlimited]: 'raw-mqtt-unlimited',
  [ackAfter]: 'raw-mqtt-ack-after',
}

const publishing: Scenario = { name: 'MQTT, publish', raw, subjects: [{ name: busbar, targets: [nearRaw] }, { name: raw }] }
const consuming: Scenario = {
  name: 'MQTT, consume, 5 ms',
  raw,
  subjects: [{ name: busbar, targets: [timesOf(ackAfter, 60), timesOf(raw, 0.6)] }, { name: raw }, { name: ackAfter }, { name: unlimited }],
}

/** Against the raw client, on a mosquitto of its own. */
export const mqtt: Suite = async (options) => {
  await using bed = skipOrFail(await startMosquitto({ own: true, onProgress: options.onProgress }))
  if (bed === undefined) return { rows: [], versions: {}, ran: false }
  const samples = await runRounds(trialsOf(bed.url, options), options.rounds, options.onProgress)
  return { rows: [publishing, consuming].flatMap((scenario) => rowsOf(scenario, samples)), versions: { mosquitto: bed.version }, ran: true }
}

function trialsOf(url: string, { quick, profileFolder }: SuiteOptions): Trial[] {
  const size = quick ? { warmup: 5_000, messages: 10_000 } : { warmup: 20_000, messages: 40_000 }
  const few = { warmup: 50, messages: quick ? 150 : 400 }
  const run = (subject: string, job: Omit<MqttJob, 'url' | 'inFlight' | 'concurrency' | 'workMs'>): Promise<Sample> => {
    const options: MqttJob = { url, inFlight: 500, concurrency: 100, workMs: 5, ...job }
    return runJob({ program: programs[subject] as ProgramName, options }, { profileFolder })
  }
  /** Each subject consumes what it has published itself: who loses messages never ends. */
  const roundTrip = (subject: string, scenarios: readonly Scenario[], job: { readonly warmup: number; readonly messages: number }): Trial => ({
    subject,
    label: subject,
    run: async (round) => {
      const topic = `bench-${process.pid}-${subject}-${round}`.replaceAll(/[^A-Za-z0-9]+/g, '-')
      const publish = await run(subject, { ...job, topic, action: 'publish' })
      const consume = await run(subject, { ...job, topic, action: 'consume' })
      return Object.fromEntries(scenarios.map(({ name }) => [name, name === publishing.name ? publish : consume]))
    },
  })
  return [
    ...[busbar, raw].map((subject) => roundTrip(subject, [publishing, consuming], size)),
    roundTrip(ackAfter, [consuming], few),
    roundTrip(unlimited, [consuming], size),
  ]
}
