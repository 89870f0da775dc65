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

const onProgress = (text: string): void => console.log(text)

/** Runs the same cases on mosquitto, with MQTT 5 and 3.1.1. */
export async function onMosquitto(cases: (spoken: Spoken) => void): Promise<void> {
  const bed = skipOrFail(await startMosquitto({ own: true, onProgress }))
  afterAll(() => bed?.[Symbol.asyncDispose](), 30_000)
  for (const protocolVersion of [5, 4] as const)
    on(`mosquitto, MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}`, bed && { bed, protocolVersion, durable: false }, cases)
}

/** Runs them on ActiveMQ, which has 3.1.1 alone. */
export async function onActivemq(cases: (spoken: Spoken) => void): Promise<void> {
  const bed = skipOrFail(await startActivemq({ own: true, onProgress }))
  afterAll(() => bed?.[Symbol.asyncDispose](), 30_000)
  on('ActiveMQ, MQTT 3.1.1', bed && { bed, protocolVersion: 4, durable: true }, cases)
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
