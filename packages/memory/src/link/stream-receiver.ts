import type { BrokerError, Intake, Outcome, Receiver, SettleResult, StartFrom, Window } from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import { settleUnder } from '../faults/settle-faults.ts'
import type { Group } from '../stream/group.ts'
import { StreamMember, type StreamConsumer } from '../stream/member.ts'
import { StreamDelivery, type ShardLease } from '../stream/shard-lease.ts'
import type { MemoryLink } from './link.ts'

/** Receives the shards of a stream that its group gives it. */
export class StreamReceiver implements Receiver, StreamConsumer {
  readonly #link: MemoryLink
  readonly #group: Group
  readonly #intake: Intake
  readonly #member: StreamMember
  /** Of streams only; queues and topics that a stream serves are not read again. */
  declare readonly seek?: (position: StartFrom) => Promise<void>
  #state: 'new' | 'open' | 'paused' | 'ended' = 'new'

  constructor(link: MemoryLink, group: Group, intake: Intake, window: Window, seeks: boolean) {
    this.#link = link
    this.#group = group
    this.#intake = intake
    this.#member = new StreamMember(link.nextReceiverName(), this, window)
    if (seeks) this.seek = (position) => group.seek(position)
  }

  get place(): string {
    return this.#group.name
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') return
    this.#link.join(this)
    this.#state = 'open'
    this.#member.open = this.#link.up
    this.#group.join(this.#member)
  }

  settle(outcomes: readonly Outcome[]): Promise<readonly SettleResult[]> {
    if (!this.#link.up) return Promise.resolve(outcomes.map(() => ({ error: this.#link.unavailable() })))
    const { faults } = this.#group.stream.world
    if (faults === undefined) return Promise.resolve(this.#settleAll(outcomes))
    return settleUnder(faults, outcomes, (all) => this.#settleAll(all), this, 'durable')
  }

  resize(window: Window): void {
    this.#member.resize(window)
    this.#group.wake()
  }

  async pause(): Promise<void> {
    if (this.#state === 'open') this.#state = 'paused'
    this.#member.open = false
  }

  async resume(): Promise<void> {
    if (this.#state !== 'paused') return
    this.#state = 'open'
    this.#member.open = this.#link.up
    this.#group.wake()
  }

  async handBack(): Promise<void> {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#group.leave(this.#member)
    this.#link.leave(this)
  }

  deliver(deliveries: readonly StreamDelivery[]): void {
    this.#link.services.meter('receive', 1)
    this.#intake.deliver(deliveries)
    const { faults } = this.#group.stream.world
    if (faults !== undefined) this.#strike()
  }

  lost(lease: ShardLease, reason: BrokerError): void {
    this.#intake.lost(lease, reason)
  }

  revoke(lease: ShardLease, deadlineMs: number): Promise<void> {
    return this.#intake.revoke(lease, deadlineMs)
  }

  connectionLost(reason: BrokerError): void {
    this.#member.open = false
    this.#group.lose(this.#member, reason)
  }

  connectionRestored(): void {
    if (this.#state !== 'open') return
    this.#member.open = true
    this.#group.wake()
  }

  linkClosed(reason: BrokerError): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#member.open = false
    for (const lease of this.#member.leases) this.#intake.lost(lease, reason)
    this.#group.leave(this.#member)
    this.#link.leave(this)
  }

  lose(reason: BrokerError): void {
    this.#group.lose(this.#member, reason)
  }

  displaced(reason: BrokerError): void {
    void this.handBack()
    this.#intake.failed(reason, true)
  }

  drop(downMs: number): void {
    this.#link.drop(downMs)
  }

  crash(): void {
    this.#link.crash()
  }

  steal(): void {
    this.#group.steal(this.#member, memoryError('ERR_TOO_LATE', 'The shard was taken by another consumer'))
  }

  #settleAll(outcomes: readonly Outcome[]): SettleResult[] {
    this.#link.services.meter('settle', 1)
    return outcomes.map((outcome) => this.#settle(outcome))
  }

  #settle({ delivery, action }: Outcome): SettleResult {
    if (!(delivery instanceof StreamDelivery) || delivery.scope.member !== this.#member)
      return { error: memoryError('ERR_INVALID', 'The delivery belongs to another receiver') }
    const { scope } = delivery
    if (!scope.live) {
      this.#group.report('too-late', delivery.incoming, scope.id)
      return 'too-late'
    }
    if (action !== 'ack') return { error: memoryError('ERR_UNSUPPORTED', `${action} is not supported by streams`) }
    const passed = scope.complete(delivery)
    this.#group.report('acked', delivery.incoming, scope.id)
    this.#group.advanced(scope.progress)
    return passed ? 'durable' : 'accepted'
  }

  #strike(): void {
    const { world } = this.#group.stream
    // A shard is read in order.
    for (const fault of world.faults?.strike('deliver', this.place, 'reorder') ?? []) {
      if (fault.kind === 'drop-connection') this.drop(fault.downMs ?? 0)
      else if (fault.kind === 'crash-consumer') this.crash()
      else if (fault.kind === 'steal-lease' || fault.kind === 'duplicate') this.steal()
      else if (fault.kind === 'delay') this.#stall(fault.ms)
    }
  }

  #stall(ms: number): void {
    const { clock } = this.#group.stream.world
    const until = clock.monotonic() + ms
    this.#member.stalledUntil = Math.max(this.#member.stalledUntil, until)
    clock.timer(until, () => this.#group.wake())
  }
}
