import type { Capabilities } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Inbox } from '../kit/inbox.ts'
import { numbered } from '../kit/messages.ts'

const hasScope = ({ lease }: Capabilities): boolean => lease !== false && lease.kind === 'scope'
const watchMs = ({ lease }: Capabilities): number =>
  lease !== false && lease.kind === 'scope' && lease.maxHoldMs !== false ? Math.min(8_000, lease.maxHoldMs / 2) : 8_000

const bodies = numbered('m', 3)

const holding: Omit<ContractCase, 'id' | 'title'> = {
  examines: ['lease'],
  kills: ['scope-lease-times-out'],
  applies: hasScope,
  waitsMs: watchMs,
  async run(context) {
    const inbox = await threeHeld(context)
    const { place } = inbox
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    const before = inbox.arrivals.length
    await context.waiting.never(
      () => inbox.arrivals.length > before || inbox.lostScopes.size > 0,
      'held messages come again while their scope lives',
      watchMs(place.capabilities),
    )
  },
}

const scopeHolds: ContractCase = { ...holding, id: 'leases/scope-holds', title: 'an unsettled delivery stays ours as long as its scope lives' }

const scopeHoldsOfKeys: ContractCase = { ...holding, id: 'leases/scope-holds-of-keys', title: 'the same holds where messages have ordering keys', keyed: true }

const losing: Omit<ContractCase, 'id' | 'title'> = {
  examines: ['lease', 'redelivery'],
  kills: ['loss-not-reported', 'loss-reported-late', 'loss-of-wrong-scope', 'never-resubscribes', 'overclaims-redelivery-on-reconnect'],
  applies: (capabilities) => hasScope(capabilities) && capabilities.redelivery.onReconnect,
  faults: ['cutConnections'],
  async run(context) {
    const inbox = await threeHeld(context)
    const before = inbox.arrivals.length
    const scopes = new Set(inbox.arrivals.map(({ delivery }) => delivery.scope))
    const early: string[] = []
    inbox.react = ({ text }) => {
      const untold = inbox.arrivals.slice(0, before).some((held) => held.text === text && !inbox.lostScopes.has(held.delivery.scope))
      if (untold) early.push(text)
      return 'keep'
    }
    await context.fault('cutConnections')()
    await context.waiting.eventually(
      () => [...scopes].every((scope) => inbox.lostScopes.has(scope)),
      'all scopes of the cut connection are reported lost (where they live on something else, cutConnections of the harness ends that too)',
      context.harness.bounds.reconnectMs,
    )
    const again = (): string[] => [...new Set(inbox.arrivals.slice(before).map(({ text }) => text))]
    await context.waiting.eventually(
      () => again().length === 3,
      () => `the messages come again on the same receiver; only ${show(again())} did`,
      context.harness.bounds.reconnectMs + context.harness.bounds.arrivalMs,
    )
    check(
      inbox.arrivals.slice(before).every(({ delivery }) => !scopes.has(delivery.scope)),
      'they come in new scopes',
    )
    check(early.length === 0, () => `a scope is reported lost before anything of it comes again; ${show(early)} came before that`)
  },
}

const scopeLoss: ContractCase = {
  ...losing,
  id: 'leases/scope-loss',
  title: 'when the connection is cut, every scope with unsettled deliveries is reported lost, and then its messages come again',
}

const scopeLossOfKeys: ContractCase = { ...losing, id: 'leases/scope-loss-of-keys', title: 'the same holds where messages have ordering keys', keyed: true }

export const scopeLeaseCases: readonly ContractCase[] = [scopeHolds, scopeHoldsOfKeys, scopeLoss, scopeLossOfKeys]

async function threeHeld(context: CaseContext): Promise<Inbox> {
  const place = await context.place()
  const session = await context.connect()
  await session.send(
    place,
    bodies.map((body) => (context.keyed ? { body, key: 'a' } : { body })),
  )
  const inbox = await session.receive(place)
  await context.waiting.eventually(() => inbox.has(bodies), 'all messages arrive', context.harness.bounds.arrivalMs)
  return inbox
}
