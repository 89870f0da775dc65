import type { MqttOptions } from '@busbar/mqtt'
import { afterAll, describe } from 'vitest'
import { skipOrFail, startActivemq, startMosquitto } from '../../brokers/index.ts'
import type { ActivemqBed, MosquittoBed } from '../../brokers/index.ts'

/** A broker with the version of MQTT that is spoken to it. */
export interface Spoken {
  readonly bed: ActivemqBed | MosquittoBed
  readonly protocolVersion: 5 | 4
  /** Whether a kill loses nothing that was confirmed. */
  readonly durable: boolean
}

/** Runs the same cases on mosquitto, with MQTT 5 and 3.1.1, and on ActiveMQ, which has 3.1.1 alone. */
export async function onEachBroker(cases: (spoken: Spoken) => void): Promise<void> {
  const onProgress = (text: string): void => console.log(text)
  const [mosquitto, activemq] = await Promise.all([
    startMosquitto({ own: true, onProgress }).then(skipOrFail),
    startActivemq({ own: true, onProgress }).then(skipOrFail),
  ])
  afterAll(async () => {
    await Promise.all([mosquitto, activemq].map((bed) => bed?.[Symbol.asyncDispose]()))
  }, 30_000)
  on('mosquitto, MQTT 5', mosquitto && { bed: mosquitto, protocolVersion: 5, durable: false }, cases)
  on('mosquitto, MQTT 3.1.1', mosquitto && { bed: mosquitto, protocolVersion: 4, durable: false }, cases)
  on('ActiveMQ, MQTT 3.1.1', activemq && { bed: activemq, protocolVersion: 4, durable: true }, cases)
}

function on(name: string, spoken: Spoken | undefined, cases: (spoken: Spoken) => void): void {
  describe.skipIf(spoken === undefined)(name, { timeout: 60_000 }, () => {
    if (spoken !== undefined) cases(spoken)
  })
}

let cases = 0

/** Client ids and notes of a case's own, since cases share a broker. */
export function freshOptions(): Pick<MqttOptions, 'clientId' | 'notesTopic'> {
  const name = `case${cases++}-${process.pid}`
  return { clientId: name, notesTopic: `notes-${name}` }
}
