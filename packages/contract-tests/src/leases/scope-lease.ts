import type { Capabilities } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, show } from '../kit/assert.ts'
import { numbered } from '../kit/messages.ts'

const hasScope = ({ lease }: Capabilities): boolean => lease !== false && lease.kind === 'scope'
const watchMs = ({ lease }: Capabilities): number =>
  lease !== false && lease.kind === 'scope' && lease.maxHoldMs !== false ? Math.min(8_000, lease.maxHoldMs / 2) : 8_000

const scopeHolds: ContractCase = {
  id: 'leases/scope-holds',
  title: 'an unsettled delivery stays ours as long as its scope lives',
  examines: ['lease'],
  kills: ['scope-lease-times-out'],
  applies: hasScope,
  waitsMs: watchMs,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, numbered('m', 3))
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(numbered('m', 3)), 'all messages arrive', context.harness.bounds.arrivalMs)
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    const before = inbox.arrivals.length
    await context.waiting.never(
      () => inbox.arrivals.length > before || inbox.lostScopes.size > 0,
      'held messages come again while their scope lives',
      watchMs(place.capabilities),
    )
  },
}

const scopeLoss: ContractCase = {
  id: 'leases/scope-loss',
  title: 'when the connection is cut, every scope with unsettled deliveries is reported lost, and its messages come again',
  examines: ['lease', 'redelivery'],
  kills: ['loss-not-reported', 'loss-of-wrong-scope', 'never-resubscribes', 'overclaims-redelivery-on-reconnect'],
  applies: (capabilities) => hasScope(capabilities) && capabilities.redelivery.onReconnect,
  faults: ['cutConnections'],
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, numbered('m', 3))
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(numbered('m', 3)), 'all messages arrive', context.harness.bounds.arrivalMs)
    const before = inbox.arrivals.length
    const scopes = new Set(inbox.arrivals.map(({ delivery }) => delivery.scope))
    await context.fault('cutConnections')()
    await context.waiting.eventually(
      () => [...scopes].every((scope) => inbox.lostScopes.has(scope)),
      'all scopes of the cut connection are reported lost',
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
  },
}

export const scopeLeaseCases: readonly ContractCase[] = [scopeHolds, scopeLoss]
