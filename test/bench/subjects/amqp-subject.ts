import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Meter } from '../engine/meter.ts'
import type { Sample } from '../engine/sample.ts'

/** What a process does at the broker. */
export interface AmqpJob {
  readonly action: 'publish' | 'consume'
  readonly url: string
  readonly queue: string
  /** `bytes`: 256 bytes as they are. `json`: an order of 256 bytes, encoded and validated by the sender, decoded and validated by the receiver. */
  readonly body: 'bytes' | 'json'
  /** Publishes no more than the body, without id, time and content type: nobody who handles messages at least once can, it is what those three cost. */
  readonly bodyAlone?: boolean
  /** Publishes without a confirm, at most. */
  readonly inFlight: number
  /** Unsettled deliveries, at most. */
  readonly prefetch: number
  /** One ordering key for all messages, where the client has such a thing. */
  readonly hotKey?: 'strict' | 'pipelined'
  readonly warmup: number
  readonly messages: number
}

/**
 * An AMQP client, used as well as it can be: one connection, one channel, persistent and mandatory messages, confirms, acks after handling.
 * Both functions end when `meter` has counted everything and the broker has every ack.
 */
export interface AmqpSubject {
  /** Publishes `meter.total` messages, at most `inFlight` unconfirmed; ticks at every confirm. */
  publish(job: AmqpJob, meter: Meter): Promise<void>
  /** Takes `meter.total` messages; ticks when one is handled, and acks it. */
  consume(job: AmqpJob, meter: Meter): Promise<void>
}

export async function runAmqp(subject: AmqpSubject, job: AmqpJob): Promise<Sample> {
  const meter = new Meter(job.warmup, job.messages)
  await subject[job.action](job, meter)
  return meter.done
}

/** What every subject sends with a body, as Busbar does: an id of its own to tell copies by, the time and the type. A new object per message. */
export interface MessageProperties {
  readonly messageId: string
  /** Seconds. */
  readonly timestamp: number
  readonly contentType: string
}

/** The cheapest ids that are unique: 20 letters and digits, as long as Busbar's. */
export function propertiesOf({ body }: Pick<AmqpJob, 'body'>, index: number): MessageProperties {
  return {
    messageId: idPrefix + String(index).padStart(8, '0'),
    timestamp: Math.floor(Date.now() / 1_000),
    contentType: body === 'json' ? 'application/json' : 'application/octet-stream',
  }
}

const idPrefix = randomUUID().replaceAll('-', '').slice(0, 12)

/**
 * Gives the broker time to take the last acks before the channel closes. Under load a quorum queue's acks wait in the broker's channel process, where there is
 * nothing to ask for them, and closing the channel drops those: the messages would come again.
 */
export async function acksTaken(): Promise<void> {
  await sleep(300)
}

/** Keeps `inFlight` of `total` sends open; resolves when all have succeeded, rejects at the first that does not. */
export function keepInFlight(total: number, inFlight: number, send: (index: number) => Promise<unknown>, onSent: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    let started = 0
    let sent = 0
    const next = (): void => {
      if (started < total) void send(started++).then(onDone, reject)
    }
    const onDone = (): void => {
      onSent()
      if (++sent === total) resolve()
      else next()
    }
    for (let open = 0; open < Math.min(inFlight, total); open++) next()
  })
}
