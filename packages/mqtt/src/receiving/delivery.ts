import type { Delivery, Incoming } from '@busbar/core/driver'
import { incomingOf } from '../message/incoming.ts'
import type { ReceivedPacket } from '../message/packet.ts'
import type { SessionScope } from './session-scope.ts'

/** One message as one connection of a session has received it. Its packet identifier means nothing on any other. */
export class MqttDelivery implements Delivery {
  readonly scope: SessionScope
  readonly incoming: Incoming
  readonly brokerAttempts: undefined
  leaseUntil: number | undefined
  /** 0: there is nothing to ack. */
  readonly packetId: number
  /** Whether core has it. */
  handed = false
  settled = false

  constructor(scope: SessionScope, packet: ReceivedPacket, envelope: boolean) {
    this.scope = scope
    this.incoming = incomingOf(packet, envelope)
    this.packetId = packet.qos === 0 ? 0 : (packet.messageId ?? 0)
    this.brokerAttempts = undefined
    this.leaseUntil = undefined
  }

  get sameAs(): string | undefined {
    return this.incoming.id
  }
}
