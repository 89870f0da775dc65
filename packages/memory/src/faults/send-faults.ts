import type { Outgoing, SendResult } from '@busbar/core/driver'
import { memoryError } from '../errors.ts'
import type { Faults } from './faults.ts'
import { later } from './later.ts'

/** What a send needs to be made to fail. */
export interface SendUnderFaults {
  readonly place: string
  store(batch: readonly Outgoing[]): SendResult[]
  /** Can a batch be stored in part in the middle? */
  readonly partial: boolean
  /** Drops the link's connection for `downMs`. */
  drop(downMs: number): void
}

/** Sends as the faults have it. */
export function sendUnder(faults: Faults, batch: readonly Outgoing[], sender: SendUnderFaults): Promise<readonly SendResult[]> {
  const { random, clock } = faults.world
  let results: SendResult[] | undefined
  let delayMs = 0
  for (const fault of faults.strike('send', sender.place)) {
    // What an earlier fault has answered is stored, or not, as it says.
    const answered = results !== undefined
    if (fault.kind === 'delay') delayMs += fault.ms
    else if (answered && fault.kind !== 'drop-connection') continue
    else if (fault.kind === 'throttle') results ??= batch.map(throttled)
    else if (fault.kind === 'fail-part') results ??= failPart(batch, sender)
    else if (fault.kind === 'duplicate') sender.store(batch)
    else if (fault.kind === 'lose-response') {
      if (fault.stored ?? true) sender.store(batch)
      results ??= batch.map(unconfirmed)
    } else if (fault.kind === 'drop-connection') {
      if (!answered && random() < 0.5) sender.store(batch)
      sender.drop(fault.downMs ?? 0)
      results ??= batch.map(unconfirmed)
    }
  }
  return later(clock, delayMs, results ?? sender.store(batch))
}

/** Every other message where a batch can fail in part; otherwise everything from the middle on. */
function failPart(batch: readonly Outgoing[], sender: SendUnderFaults): SendResult[] {
  const keeps = (index: number): boolean => (sender.partial ? index % 2 === 1 : index < Math.floor(batch.length / 2))
  const stored = sender.store(batch.filter((_, index) => keeps(index)))
  return batch.map((_, index) => (keeps(index) ? (stored.shift() as SendResult) : throttled()))
}

function throttled(): SendResult {
  return { ok: false, stored: 'no', error: memoryError('ERR_THROTTLED', 'The broker asks to slow down') }
}

function unconfirmed(): SendResult {
  return { ok: false, stored: 'unknown', error: memoryError('ERR_UNCONFIRMED', 'The connection was lost before the answer came') }
}
