import type { AddressTemplate, Delivery, Incoming, Tracked } from '@busbar/core/driver'
import { incomingOf } from '../message/incoming.ts'
import type { ReceivedPacket } from '../message/packet.ts'
import type { SessionScope } from './session-scope.ts'

/** One message as one connection of a session has received it. Its packet identifier means nothing on any other. */
export class MqttDelivery implements Delivery {
  readonly scope: SessionScope
  readonly incoming: Incoming
  readonly brokerAttempts: undefined
  leaseUntil: number | undefined
  /** 0: there is nothing to ack, or the library has acked it: sessions are subscribed with quality 1 at most. */
  readonly packetId: number
  /** Its place among those to ack. */
  tracked: Tracked<MqttDelivery> | undefined = undefined
  /** Whether core has it. */
  handed = false
  settled = false
  /** A copy of it is on its way to the broker. */
  copying = false
  /** Monotonic milliseconds; where copies are made. */
  receivedAt: number | undefined = undefined

  constructor(scope: SessionScope, packet: ReceivedPacket, envelope: boolean, template?: AddressTemplate) {
    this.scope = scope
    this.incoming = incomingOf(packet, envelope, template)
    this.packetId = packet.qos === 1 ? (packet.messageId ?? 0) : 0
    this.brokerAttempts = undefined
    this.leaseUntil = undefined
  }

  get sameAs(): string | undefined {
    return this.incoming.id
  }
}
