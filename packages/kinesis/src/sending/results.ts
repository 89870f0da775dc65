import type { BrokerError, SendResult } from '@busbar/core/driver'

/** Certainly not stored. */
export function notSent(error: BrokerError): SendResult {
  return { ok: false, error, stored: 'no' }
}

/** Handed over; nobody can say what became of it. */
export function unconfirmed(error: BrokerError): SendResult {
  return { ok: false, error, stored: 'unknown' }
}
