import type { Outcome, SettleResult } from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import type { LinkMember } from '../link/member.ts'
import type { Faults } from './faults.ts'
import { later } from './later.ts'

/** Settles as the faults have it. `answer` is what the broker says when all goes well: `accepted` means that it says nothing. */
export function settleUnder(
  faults: Faults,
  outcomes: readonly Outcome[],
  settle: (outcomes: readonly Outcome[]) => SettleResult[],
  member: LinkMember,
  answer: 'durable' | 'accepted',
): Promise<readonly SettleResult[]> {
  const { random, clock } = faults.world
  let results: SettleResult[] | undefined
  let delayMs = 0
  for (const fault of faults.strike('settle', member.place)) {
    if (fault.kind === 'delay') delayMs += fault.ms
    else if (fault.kind === 'steal-lease') member.steal()
    else if (fault.kind === 'crash-consumer') member.crash()
    else if (fault.kind === 'throttle') results ??= failed(outcomes, 'ERR_THROTTLED', 'The broker asks to slow down')
    else if (fault.kind === 'lose-ack' || fault.kind === 'drop-connection') {
      const applied = fault.kind === 'lose-ack' && fault.applied !== undefined ? fault.applied : random() < 0.5
      if (applied) settle(outcomes)
      // An ack without an answer can be lost only together with its connection.
      if (fault.kind === 'drop-connection' || answer === 'accepted') member.drop(fault.kind === 'drop-connection' ? (fault.downMs ?? 0) : 0)
      results ??= answer === 'accepted' ? outcomes.map(() => 'accepted') : failed(outcomes, 'ERR_UNAVAILABLE', 'The connection was lost before the answer came')
    }
  }
  return later(clock, delayMs, results ?? settle(outcomes))
}

function failed(outcomes: readonly Outcome[], code: 'ERR_THROTTLED' | 'ERR_UNAVAILABLE', message: string): SettleResult[] {
  return outcomes.map(() => ({ error: memoryError(code, message) }))
}
