import { PrefixTracker, type AddressTemplate, type Scope } from '@busbar/core/driver'
import type { Connection } from '../connection/connection.ts'
import { limits } from '../limits.ts'
import type { ReceivedPacket } from '../message/packet.ts'
import { MqttDelivery } from './delivery.ts'

/**
 * One connection of a session: what was received on it is lost with it, and acked on it or not at all. Packet identifiers are used again on the next one.
 * Acks go out in the order of receipt, as the standard demands: one that is early waits for those before it.
 */
export class SessionScope implements Scope {
  readonly id: string
  readonly #tracker: PrefixTracker<MqttDelivery> = new PrefixTracker()
  /** By packet identifier: how often it was received since its last ack was sent. Once, or not at all, but for what {@link SessionScope.flush} says. */
  readonly #unacked: Uint16Array = new Uint16Array(limits.inFlight + 1)
  readonly #connection: Connection
  #closed = false
  #dropping = false
  /** In the order of receipt, and not sent yet. */
  #acks: number[] = []
  #handed = 0
  #handedBytes = 0

  constructor(id: string, connection: Connection) {
    this.id = id
    this.#connection = connection
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Acks that {@link SessionScope.flush} would send. */
  get unsent(): number {
    return this.#acks.length
  }

  /** What is received here may be given to core. */
  get live(): boolean {
    return !this.#closed && !this.#dropping
  }

  /** From now on nothing is handed on; what is not acked stays in the session. */
  drop(): void {
    this.#dropping = true
  }

  /** Given to core, and not acked at the broker. */
  get handed(): number {
    return this.#handed
  }

  get handedBytes(): number {
    return this.#handedBytes
  }

  /**
   * `undefined` for a copy of what is held: some brokers send again what is not acked in time. A second ack would be taken for that of the next message with the same packet
   * identifier. Of what was acked a copy is a delivery, since brokers also set the flag on what another connection was sent, under an identifier that may have been used here.
   */
  receive(packet: ReceivedPacket, envelope: boolean, template?: AddressTemplate): MqttDelivery | undefined {
    const { qos, dup, messageId = 0 } = packet
    if (qos === 1 && dup && this.#countOf(messageId) > 0) return undefined
    const delivery = new MqttDelivery(this, packet, envelope, template)
    if (delivery.packetId === 0) return delivery
    this.#unacked[delivery.packetId] = this.#countOf(delivery.packetId) + 1
    delivery.tracked = this.#tracker.add(delivery)
    return delivery
  }

  /** It is with core from now on. */
  hand(delivery: MqttDelivery): void {
    delivery.handed = true
    this.#handed++
    this.#handedBytes += delivery.incoming.bodyBytes
  }

  /** Out of play until its copy is confirmed, or has failed; unsettled all the while. False if it is too late. */
  startCopy(delivery: MqttDelivery): boolean {
    if (this.#closed || delivery.settled || delivery.copying) return false
    delivery.copying = true
    return true
  }

  /** False if it is too late. {@link SessionScope.flush} sends what has become a prefix. */
  ack(delivery: MqttDelivery): boolean {
    if (this.#closed || delivery.settled || delivery.copying) return false
    delivery.settled = true
    const { tracked } = delivery
    if (tracked === undefined) {
      this.#end(delivery)
      return true
    }
    for (const acked of this.#tracker.complete(tracked)) {
      this.#acks.push(acked.packetId)
      this.#end(acked)
    }
    return true
  }

  /** A broker that has used an identifier again has done with the message before, which it had sent a second time when our ack was on its way: only the ack of the last one is due. */
  flush(): void {
    // Not open yet, they wait until it is.
    if (this.#acks.length === 0 || !this.#connection.open) return
    const acks = this.#acks.filter((id) => (this.#unacked[id] = this.#countOf(id) - 1) === 0)
    this.#acks = []
    this.#connection.acknowledge(acks)
  }

  /** Nothing received on it can be acked any more. */
  close(): void {
    this.#closed = true
    this.#acks = []
    this.#handed = 0
    this.#handedBytes = 0
  }

  #countOf(packetId: number): number {
    return this.#unacked[packetId] ?? 0
  }

  #end(delivery: MqttDelivery): void {
    if (!delivery.handed) return
    this.#handed--
    this.#handedBytes -= delivery.incoming.bodyBytes
  }
}
