import type { Socket } from 'node:net'
import { connectAsync, type IClientPublishOptions, type MqttClient } from 'mqtt'
import { buffers } from '../bodies.ts'
import type { Meter } from '../engine/meter.ts'
import { propertiesOf } from './amqp-subject.ts'
import { work, type MqttJob, type MqttSubject } from './mqtt-subject.ts'

/** The raw client as it is most often used, with confirms by callback: it acks a message as soon as it has come. As many handlers run at once as Busbar's. */
export const rawMqtt: MqttSubject = {
  prepare,
  publish,
  consume: (job, meter) => consume(job, meter, (client, handle) => onMessage(client, handle, job.concurrency)),
}

/** The same with any number of handlers at once: thousands, where there is a backlog. */
export const rawMqttUnlimited: MqttSubject = {
  prepare,
  publish,
  consume: (job, meter) => consume(job, meter, (client, handle) => onMessage(client, handle, Infinity)),
}

/** The raw client as its documentation says how to ack after handling: nothing else is taken while a message is handled. */
export const rawMqttAckAfter: MqttSubject = { prepare, publish, consume: (job, meter) => consume(job, meter, onHandleMessage) }

const clean = { protocolVersion: 5, reconnectPeriod: 0 } as const

function sessionOf({ topic }: MqttJob): object {
  return { ...clean, clientId: `raw-${topic}`, clean: false, properties: { sessionExpiryInterval: 3_600 } }
}

async function prepare(job: MqttJob): Promise<void> {
  const client = await connectAsync(job.url, sessionOf(job))
  await client.subscribeAsync(job.topic, { qos: 1 })
  await client.endAsync()
}

async function publish(job: MqttJob, meter: Meter): Promise<void> {
  const client = await connectAsync(job.url, clean)
  withoutDelay(client)
  const all = buffers()
  await new Promise<void>((resolve, reject) => {
    let started = 0
    let open = 0
    const onConfirm = (error?: Error | null): void => {
      if (error) return reject(error)
      open--
      meter.tick()
      if (meter.count === meter.total) resolve()
      else fill()
    }
    const fill = (): void => {
      for (; open < job.inFlight && started < meter.total; started++) {
        open++
        client.publish(job.topic, all[started % all.length] as Buffer, optionsOf(started), onConfirm)
      }
    }
    fill()
  })
  await client.endAsync()
}

/** The same as Busbar's: content type, and id and time in one user property. */
function optionsOf(index: number): IClientPublishOptions {
  const { messageId, contentType } = propertiesOf({ body: 'bytes' }, index)
  return { qos: 1, properties: { contentType, userProperties: { busbar: `{"v":1,"id":"${messageId}","ts":${Date.now()}}` } } }
}

type Handle = () => Promise<void>

async function consume(job: MqttJob, meter: Meter, listen: (client: MqttClient, handle: Handle) => void): Promise<void> {
  const { connect } = await import('mqtt')
  const client = connect(job.url, sessionOf(job))
  client.once('connect', () => withoutDelay(client))
  // Before it connects: what waits comes at once.
  listen(client, async () => {
    await work(job)
    meter.tick()
  })
  await meter.done
  await client.endAsync()
}

function onMessage(client: MqttClient, handle: Handle, most: number): void {
  let running = 0
  let waiting = 0
  const run = (): void => {
    running++
    void handle().then(() => {
      running--
      if (waiting === 0) return
      waiting--
      run()
    })
  }
  client.on('message', () => (running < most ? run() : void waiting++))
}

function onHandleMessage(client: MqttClient, handle: Handle): void {
  client.handleMessage = (_packet, done) => {
    void handle().then(() => done())
  }
}

function withoutDelay({ stream }: MqttClient): void {
  ;(stream as Socket).setNoDelay(true)
}
