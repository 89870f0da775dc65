import type { BrokerError, Delivery, Intake, Outcome, Scope, SettleResult } from '@busbar/core/driver'
import type { KinesisReceiver } from '../receiver.ts'

/** Core's side of a receiver: keeps what comes, and settles what it is told to. */
export class RecordingIntake implements Intake {
  readonly arrived: Delivery[] = []
  /** Calls by which they came. */
  deliveries = 0
  readonly unsettled: Set<Delivery> = new Set()
  readonly lostScopes: Map<Scope, BrokerError> = new Map()
  readonly revoked: Scope[] = []
  readonly failures: { readonly error: BrokerError; readonly fatal: boolean }[] = []
  failing = false
  most = 0
  /** What is acked as it comes. */
  acks: (text: string) => boolean = () => false
  /** Until when a hand-over waits. */
  revoking: () => Promise<void> = () => Promise.resolve()
  receiver: KinesisReceiver | undefined

  get texts(): string[] {
    return this.arrived.map(textOf)
  }

  deliver(deliveries: readonly Delivery[]): void {
    this.deliveries++
    for (const delivery of deliveries) {
      this.arrived.push(delivery)
      this.unsettled.add(delivery)
    }
    this.most = Math.max(this.most, this.unsettled.size)
    const done = deliveries.filter((delivery) => this.acks(textOf(delivery)))
    if (done.length > 0) void this.settle(done)
  }

  lost(scope: Scope, reason: BrokerError): void {
    this.lostScopes.set(scope, reason)
    for (const delivery of this.unsettled) if (delivery.scope === scope) this.unsettled.delete(delivery)
  }

  async revoke(scope: Scope): Promise<void> {
    this.revoked.push(scope)
    await this.revoking()
    for (const delivery of this.unsettled) if (delivery.scope === scope) this.unsettled.delete(delivery)
  }

  failed(error: BrokerError, fatal: boolean): void {
    this.failures.push({ error, fatal })
    this.failing = true
  }

  recovered(): void {
    this.failing = false
  }

  settle(deliveries: readonly Delivery[], action: 'ack' | 'release' | 'discard' = 'ack'): Promise<readonly SettleResult[]> {
    for (const delivery of deliveries) this.unsettled.delete(delivery)
    return (this.receiver as KinesisReceiver).settle(deliveries.map((delivery): Outcome => ({ delivery, action })))
  }

  /** Those with these texts, of what is not settled. */
  held(...texts: readonly string[]): Delivery[] {
    return [...this.unsettled].filter((delivery) => texts.includes(textOf(delivery)))
  }
}

export function textOf({ incoming }: Delivery): string {
  return Buffer.from(incoming.body).toString()
}
