import type { Outgoing } from '../driver/sender.ts'
import type { ProducerEngine } from './producer-engine.ts'

export type RawAnswer = { readonly ok: true } | { readonly ok: false; readonly error: Error; readonly stored: 'no' | 'unknown' }

/** Sends a message that is encoded already. Never rejects. */
export function sendRaw(engine: ProducerEngine, outgoing: Outgoing, timeoutMs: number): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const observer = {
      sent: (): void => resolve({ ok: true }),
      failed: (_: unknown, error: Error, stored: 'no' | 'unknown'): void => resolve({ ok: false, error, stored }),
    }
    engine.add(outgoing, observer, 0, timeoutMs, true)
  })
}
