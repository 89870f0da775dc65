import type { QueueDelivery } from '../queue/delivery.ts'
import type { Port } from '../queue/port.ts'
import type { Queue } from '../queue/queue.ts'
import type { World } from '../world.ts'
import type { Profile } from '../profiles/profile.ts'
import { checkPlan, checkRule } from './check-plan.ts'
import { canReorder, deliverUnder, type Stall } from './deliver-faults.ts'
import {
  faultKinds,
  operations,
  operationsOf,
  type Fault,
  type FaultKind,
  type FaultOperation,
  type FaultPlan,
  type FaultRule,
  type RandomFaults,
} from './plan.ts'

/** What Faults needs to know of a profile. */
export type FaultProfile = Pick<Profile, 'name' | 'cannotShow'>

interface ActiveRule {
  readonly rule: FaultRule
  calls: number
  left: number
}

const none: readonly Fault[] = Object.freeze([])

/** Decides which faults strike, by count, chance and script. */
export class Faults {
  readonly world: World
  /** What receivers that are stalled do not get yet. */
  readonly stalled: Map<Port, Stall> = new Map<Port, Stall>()
  readonly #profile: FaultProfile
  readonly #rules: ActiveRule[] = []
  readonly #random: RandomFaults | undefined
  readonly #kinds: Readonly<Record<FaultOperation, readonly FaultKind[]>>
  #budget: number

  /** Throws `TypeError` or `RangeError` for a plan that says nothing, or asks for what the profile cannot show. */
  constructor(plan: FaultPlan, world: World, profile: FaultProfile) {
    checkPlan(plan)
    this.world = world
    this.#profile = profile
    for (const [index, rule] of (plan.rules ?? []).entries()) this.#add(rule, `faults.rules[${index}]`)
    this.#random = plan.random
    this.#budget = plan.random?.budget ?? 100
    const kinds = plan.random?.kinds ?? faultKinds
    const at = (operation: FaultOperation): readonly FaultKind[] =>
      kinds.filter((kind) => operationsOf[kind].includes(operation) && profile.cannotShow(kind, operation) === undefined)
    this.#kinds = { connect: at('connect'), send: at('send'), deliver: at('deliver'), settle: at('settle') }
    for (const kind of plan.random?.kinds ?? [])
      if (!operations.some((operation) => this.#kinds[operation].includes(kind))) throw this.#unseen('faults.random.kinds', kind, operationsOf[kind])
  }

  /** Throws `TypeError` or `RangeError` for a rule that says nothing, or asks for what the profile cannot show. */
  add(rule: FaultRule): void {
    checkRule(rule, 'rule')
    this.#add(rule, 'rule')
  }

  /** The faults of one call of `operation` at `place`. `except`: what this call cannot show. */
  strike(operation: FaultOperation, place: string, except?: FaultKind): readonly Fault[] {
    let struck: Fault[] | undefined
    for (const active of this.#rules) if (active.rule.fault.kind !== except && this.#applies(active, operation, place)) (struck ??= []).push(active.rule.fault)
    const chance = this.#chance(operation, except)
    if (chance !== undefined) (struck ??= []).push(chance)
    if (struck === undefined) return none
    for (const fault of struck) this.#report(operation, place, fault)
    return struck
  }

  deliver(queue: Queue, port: Port, deliveries: QueueDelivery[]): void {
    const except = canReorder(deliveries, queue.behaviour) ? undefined : 'reorder'
    deliverUnder(this, this.strike('deliver', queue.name, except), queue, port, deliveries)
  }

  #add(rule: FaultRule, what: string): void {
    const { kind } = rule.fault
    if (this.#profile.cannotShow(kind, rule.at.operation) !== undefined) throw this.#unseen(what, kind, [rule.at.operation])
    this.#rules.push({ rule, calls: 0, left: rule.times ?? Infinity })
  }

  #unseen(what: string, kind: FaultKind, at: readonly FaultOperation[]): RangeError {
    const { name, cannotShow } = this.#profile
    return new RangeError(`${what}: profile ${name} cannot show ${kind} at ${at.join(', ')}: ${at.map((operation) => cannotShow(kind, operation)).join(', ')}`)
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

  #chance(operation: FaultOperation, except: FaultKind | undefined): Fault | undefined {
    if (this.#random === undefined || this.#budget <= 0) return undefined
    const kinds = except === undefined ? this.#kinds[operation] : this.#kinds[operation].filter((kind) => kind !== except)
    if (kinds.length === 0 || this.world.random() >= this.#random.probability) return undefined
    this.#budget--
    const kind = kinds[Math.floor(this.world.random() * kinds.length)] as FaultKind
    const ms = Math.floor(this.world.random() * (this.#random.maxMs ?? 5_000))
    return kind === 'delay' ? { kind, ms } : kind === 'drop-connection' ? { kind, downMs: ms } : { kind }
  }

  #report(operation: FaultOperation, place: string, fault: Fault): void {
    const { world } = this
    world.observer?.({ kind: 'fault', at: world.clock.monotonic(), place, id: undefined, message: undefined, detail: `${fault.kind} at ${operation}` })
  }
}
