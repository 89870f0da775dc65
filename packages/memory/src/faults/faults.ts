import type { QueueDelivery } from '../queue/delivery.ts'
import type { Port } from '../queue/port.ts'
import type { Queue } from '../queue/queue.ts'
import type { World } from '../world.ts'
import { deliverUnder } from './deliver-faults.ts'
import { faultKinds, operationsOf, type Fault, type FaultOperation, type FaultPlan, type FaultRule, type RandomFaults } from './plan.ts'

interface ActiveRule {
  readonly rule: FaultRule
  calls: number
  left: number
}

const none: readonly Fault[] = Object.freeze([])

/** Decides which faults strike, by count, chance and script. */
export class Faults {
  readonly world: World
  /** Batches of receivers that are stalled, in order. */
  readonly stalled: Map<Port, QueueDelivery[]> = new Map<Port, QueueDelivery[]>()
  readonly #rules: ActiveRule[] = []
  readonly #random: RandomFaults | undefined
  readonly #kinds: Readonly<Record<FaultOperation, readonly Fault['kind'][]>>
  #budget: number

  constructor(plan: FaultPlan, world: World) {
    this.world = world
    for (const rule of plan.rules ?? []) this.add(rule)
    this.#random = plan.random
    this.#budget = plan.random?.budget ?? 100
    const kinds = plan.random?.kinds ?? faultKinds
    const at = (operation: FaultOperation): readonly Fault['kind'][] => kinds.filter((kind) => operationsOf[kind].includes(operation))
    this.#kinds = { connect: at('connect'), send: at('send'), deliver: at('deliver'), settle: at('settle') }
  }

  /** Throws `RangeError` for a fault that cannot take effect at the rule's operation. */
  add(rule: FaultRule): void {
    const { kind } = rule.fault
    if (!operationsOf[kind]?.includes(rule.at.operation)) {
      throw new RangeError(`${kind} cannot take effect at ${rule.at.operation}, only at ${operationsOf[kind]?.join(', ') ?? 'nothing: it is not a fault'}`)
    }
    this.#rules.push({ rule, calls: 0, left: rule.times ?? Infinity })
  }

  /** The faults of one call of `operation` at `place`. */
  strike(operation: FaultOperation, place: string): readonly Fault[] {
    let struck: Fault[] | undefined
    for (const active of this.#rules) if (this.#applies(active, operation, place)) (struck ??= []).push(active.rule.fault)
    const chance = this.#chance(operation)
    if (chance !== undefined) (struck ??= []).push(chance)
    if (struck === undefined) return none
    for (const fault of struck) this.#report(operation, place, fault)
    return struck
  }

  deliver(queue: Queue, port: Port, deliveries: QueueDelivery[]): void {
    deliverUnder(this, this.strike('deliver', queue.name), queue, port, deliveries)
  }

  #applies(active: ActiveRule, operation: FaultOperation, place: string): boolean {
    const { at } = active.rule
    if (at.operation !== operation || (at.place !== undefined && !this.world.isPlace(at.place, place))) return false
    active.calls++
    if (active.left <= 0) return false
    if (at.nth !== undefined && active.calls !== at.nth) return false
    if (at.every !== undefined && active.calls % at.every !== 0) return false
    if (at.probability !== undefined && this.world.random() >= at.probability) return false
    active.left--
    return true
  }

  #chance(operation: FaultOperation): Fault | undefined {
    if (this.#random === undefined || this.#budget <= 0) return undefined
    const kinds = this.#kinds[operation]
    if (kinds.length === 0 || this.world.random() >= this.#random.probability) return undefined
    this.#budget--
    const kind = kinds[Math.floor(this.world.random() * kinds.length)] as Fault['kind']
    const ms = Math.floor(this.world.random() * (this.#random.maxMs ?? 5_000))
    return kind === 'delay' ? { kind, ms } : kind === 'drop-connection' ? { kind, downMs: ms } : { kind }
  }

  #report(operation: FaultOperation, place: string, fault: Fault): void {
    const { world } = this
    world.observer?.({ kind: 'fault', at: world.clock.monotonic(), place, id: undefined, message: undefined, detail: `${fault.kind} at ${operation}` })
  }
}
