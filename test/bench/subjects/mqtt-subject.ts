import { setTimeout as sleep } from 'node:timers/promises'
import { Meter } from '../engine/meter.ts'
import type { Sample } from '../engine/sample.ts'

/** What a process does at the broker. */
export interface MqttJob {
  readonly action: 'publish' | 'consume'
  readonly url: string
  readonly topic: string
  /** Publishes without a confirm, at most. */
  readonly inFlight: number
  /** Handlers that run at once, at most. */
  readonly concurrency: number
  /** How long a handler takes, in milliseconds. */
  readonly workMs: number
  readonly warmup: number
  readonly messages: number
}

/**
 * An MQTT 5 client, used as well as it can be: one connection for each purpose, QoS 1, and a persistent session that is there before anything is published.
 * All functions end when everything is done and the broker has every ack.
 */
export interface MqttSubject {
  /** Makes the session. */
  prepare(job: MqttJob): Promise<void>
  /** Publishes `meter.total` messages, at most `inFlight` unconfirmed; ticks at every confirm. */
  publish(job: MqttJob, meter: Meter): Promise<void>
  /** Takes `meter.total` messages; ticks when one is handled. */
  consume(job: MqttJob, meter: Meter): Promise<void>
}

export async function runMqtt(subject: MqttSubject, job: MqttJob): Promise<Sample> {
  const meter = new Meter(job.warmup, job.messages)
  if (job.action === 'publish') await subject.prepare(job)
  await subject[job.action](job, meter)
  return meter.done
}

/** What a handler does. */
export async function work({ workMs }: MqttJob): Promise<void> {
  if (workMs > 0) await sleep(workMs)
}
