import type { Subject, Work } from './subject.ts'

/** All MQTT clients: MQTT 5, one connection for each purpose, QoS 1, and a persistent session that is there before anything is published. */
export interface MqttWork extends Work {
  readonly url: string
}

export type MqttSubject = Subject<MqttWork>

/** How long the broker keeps a session that nobody comes back to. */
export const sessionSeconds = 300
