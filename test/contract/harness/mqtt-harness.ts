import { mqtt, type MqttOptions } from '@busbar/mqtt'
import { systemClock } from '@busbar/core'
import type { ForeignMessage, Harness } from '@busbar/contract-tests'
import { connectAsync } from 'mqtt'
import { needsProxy, proxiedCase } from './proxied-case.ts'

/** One broker, and how drivers connect to it. */
export interface MqttPlace {
  readonly url: string
  /** `mosquitto 2.0.11`. */
  readonly broker: string
  readonly kind: Harness['label']['kind']
  readonly protocolVersion: 5 | 4
  /** Queues can be had. */
  readonly shared: boolean
  /** Queues publish again what is to be tried again. Default false. */
  readonly republish?: boolean
}

let names = 0

/** A broker in real time. Every case connects through a proxy of its own, so that its faults are its own. */
export function mqttHarness(place: MqttPlace): Harness {
  return harnessThrough(place, place.url)
}

/** `url` is what drivers connect to, `place.url` what plain clients do. */
function harnessThrough(place: MqttPlace, url: string): Harness {
  const { broker, kind, protocolVersion, shared, republish = false } = place
  const options: MqttOptions = {
    url,
    protocolVersion,
    reconnectMaxMs: 500,
    rebalanceMs: 200,
    handOverMs: 5_000,
    ...(shared ? { sharedSubscriptions: true, members: 2 } : {}),
  }
  return {
    label: { driver: 'mqtt', version: `${broker}, MQTT ${protocolVersion === 5 ? '5' : '3.1.1'}`, kind },
    clock: systemClock,
    random: Math.random,
    bounds: { arrivalMs: 8_000, quietMs: 700, reconnectMs: 15_000, longestWaitMs: 8_000, largestBytes: 1_048_576, caseMs: 90_000 },
    createDriver: () => mqtt(options),
    uniqueName: (prefix) => `contract-${process.pid}-${prefix}-${++names}`,
    routeOptions: (destination) => ({
      // Without it MQTT 3.1.1 carries nothing but the body.
      ...(protocolVersion === 4 && { envelope: true }),
      ...(republish && destination === 'queue' && { redelivery: 'republish' }),
    }),
    // Places for dead letters are had everywhere: they need not be shared.
    ...(shared ? {} : { createDeadLetterDriver: () => mqtt(options) }),
    faults: { ...needsProxy, sendForeign: (name, _kind, message) => publish(place, name, message) },
    forCase: () => proxiedCase(Number(new URL(place.url).port), (proxy) => harnessThrough(place, proxy.through(place.url))),
  }
}

async function publish({ url, protocolVersion }: MqttPlace, topic: string, { body, headers }: ForeignMessage): Promise<void> {
  const client = await connectAsync(url, { protocolVersion })
  const bytes = Buffer.from(body)
  if (protocolVersion === 5)
    await client.publishAsync(topic, bytes, { qos: 1, ...(headers === undefined ? {} : { properties: { userProperties: { ...headers } } }) })
  else await client.publishAsync(topic, headers === undefined ? bytes : inEnvelope(bytes, headers), { qos: 1 })
  await client.endAsync()
}

/** As another program would write it that follows the page on the wire format. */
function inEnvelope(body: Buffer, headers: Readonly<Record<string, string>>): Buffer {
  const text = Buffer.from(JSON.stringify(headers))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return Buffer.concat([Buffer.from([0xff, 0x42, 0x55, 0x53, 1]), length, text, body])
}
