import type { Socket } from 'node:net'
import { connect, connectAsync, type IClientPublishOptions, type MqttClient } from 'mqtt'
import { buffers } from '../bodies.ts'
import { propertiesOf } from './amqp-subject.ts'
import { Limited } from './limited.ts'
import { sessionSeconds, type MqttSubject, type MqttWork } from './mqtt-subject.ts'
import { variantsOf, type Handle, type Receiver, type Sender } from './subject.ts'

/** The raw client as it is most often used, with confirms by callback: it acks a message as soon as it has come. As many handlers run at once as Busbar's. */
export const rawMqtt: MqttSubject = { prepare, sender, receive: (work, handle) => receive(work, onMessage(handle, work.concurrency)) }

/** The same with any number of handlers at once: thousands, where there is a backlog. */
export const rawMqttUnlimited: MqttSubject = { prepare, sender, receive: (work, handle) => receive(work, onMessage(handle, Infinity)) }

/** The raw client as its documentation says how to ack after handling: nothing else is taken while a message is handled. */
export const rawMqttAckAfter: MqttSubject = { prepare, sender, receive: (work, handle) => receive(work, onHandleMessage(handle)) }

const clean = { protocolVersion: 5, reconnectPeriod: 0 } as const

function sessionOf({ place }: MqttWork): object {
  return { ...clean, clientId: `raw-${place}`, clean: false, properties: { sessionExpiryInterval: sessionSeconds } }
}

async function prepare(work: MqttWork): Promise<void> {
  const client = await connectAsync(work.url, sessionOf(work))
  await client.subscribeAsync(work.place, { qos: 1 })
  await client.endAsync()
}

async function sender(work: MqttWork): Promise<Sender> {
  const client = await connectAsync(work.url, clean)
  withoutDelay(client)
  const all = buffers(variantsOf(work))
  const publish = (index: number, onConfirm: (error?: Error | null) => void): void => {
    client.publish(work.place, all[index % all.length] as Buffer, optionsOf(index), onConfirm)
  }
  return {
    send: (index) => new Promise<void>((resolve, reject) => publish(index, (error) => (error ? reject(error) : resolve()))),
    sendAll: ({ from, count: total }, onSent) =>
      new Promise((resolve, reject) => {
        let started = 0
        let confirmed = 0
        const onConfirm = (error?: Error | null): void => {
          if (error) return reject(error)
          onSent()
          if (++confirmed === total) resolve()
          else fill()
        }
        const fill = (): void => {
          while (started - confirmed < work.inFlight && started < total) publish(from + started++, onConfirm)
        }
        fill()
      }),
    close: () => client.endAsync(),
  }
}

/** The same as Busbar's: content type, and id and time in one user property. */
function optionsOf(index: number): IClientPublishOptions {
  const { messageId, contentType } = propertiesOf({ body: 'bytes' }, index)
  return { qos: 1, properties: { contentType, userProperties: { busbar: `{"v":1,"id":"${messageId}","ts":${Date.now()}}` } } }
}

/** How it listens; answers how to end that: resolves when no handler runs. */
type Listen = (client: MqttClient) => () => Promise<void>

async function receive(work: MqttWork, listen: Listen): Promise<Receiver> {
  const client = connect(work.url, sessionOf(work))
  client.once('connect', () => withoutDelay(client))
  // Before it connects: what waits comes at once.
  const end = listen(client)
  const failed = Promise.withResolvers<never>()
  client.on('error', failed.reject)
  await Promise.race([new Promise((resolve) => client.once('connect', resolve)), failed.promise])
  return {
    failed: failed.promise,
    async close() {
      await end()
      await client.endAsync()
    },
  }
}

function onMessage(handle: Handle, most: number): Listen {
  return (client) => {
    const limited = new Limited(handle, most)
    const listener = (_topic: string, body: Buffer): void => limited.add(body)
    client.on('message', listener)
    return () => {
      client.off('message', listener)
      return limited.end()
    }
  }
}

function onHandleMessage(handle: Handle): Listen {
  return (client) => {
    let handled: void | Promise<void>
    let ended = false
    client.handleMessage = ({ payload }, done) => {
      if (ended) return
      handled = handle(payload)
      if (handled === undefined) done()
      else void handled.then(() => done())
    }
    return async () => {
      ended = true
      await handled
    }
  }
}

function withoutDelay({ stream }: MqttClient): void {
  ;(stream as Socket).setNoDelay(true)
}
