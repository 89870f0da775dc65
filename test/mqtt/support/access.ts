import { mqtt, type MqttNative, type MqttOptions } from '@busbar/mqtt'
import type { Endpoint } from '@busbar/core/driver'
import { endpointOf, TestLink } from '../../amqp/support/link.ts'
import { startProxy, type FaultProxy } from '../../brokers/index.ts'
import { freshOptions, type Spoken } from './beds.ts'

/** What cases of faults do with a broker. */
export interface Access {
  /** A link that notices faults soon, with a client id of its own unless `more` says otherwise. */
  readonly open: (url?: string | readonly string[], more?: Partial<MqttOptions>) => Promise<TestLink<MqttNative>>
  readonly proxied: () => Promise<FaultProxy>
}

export function accessTo({ bed, protocolVersion }: Spoken): Access {
  const soon = { protocolVersion, keepaliveMs: 1_000, reconnectMaxMs: 500, timeoutMs: 2_000 }
  return {
    open: (url = bed.url, more = {}) => TestLink.over(mqtt({ url, ...soon, ...freshOptions(), ...more })),
    proxied: () => startProxy(Number(new URL(bed.url).port)),
  }
}

let names = 0

export function freshName(): string {
  return `faults/${process.pid}/${names++}`
}

/** A topic that nobody else has, and a subscription of it. */
export function freshTopic(): { readonly topic: Endpoint; readonly subscription: Endpoint } {
  const topic = endpointOf(freshName(), { kind: 'topic' })
  return { topic, subscription: { ...topic, subscription: { name: 's' } } }
}

export const wide = { messages: 100, bytes: 2 ** 26 }
