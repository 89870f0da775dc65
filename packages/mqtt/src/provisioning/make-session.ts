import { isBrokerError } from '@busbar/core/driver'
import type { Dialer } from '../connection/dialer.ts'
import type { SessionName } from '../names.ts'
import type { Notes } from './notes.ts'

/** For one session, as far apart as notes are waited for. */
const attempts = 5

/**
 * Makes a session by connecting once with its client id and subscribing, notes it, and leaves it at the broker. Processes that make it at the same time end each other's
 * connections: who connects last makes it, and the others find that it has been noted. Throws `BrokerError`.
 */
export async function makeSession(name: SessionName, qos: 0 | 1, dialer: Dialer, notes: Notes, signal: AbortSignal): Promise<void> {
  const before = notes.last(name)
  for (let attempt = 1; ; attempt++) {
    try {
      return await connectOnce(name, qos, dialer, notes, signal)
    } catch (error) {
      if (attempt === attempts || !isBrokerError(error) || !error.retryable) throw error
    }
    // Throws if the link is down itself.
    await notes.of(name.base, name.members)
    const now = notes.last(name)
    if (now !== undefined && now !== before) return
  }
}

async function connectOnce(name: SessionName, qos: 0 | 1, dialer: Dialer, notes: Notes, signal: AbortSignal): Promise<void> {
  // What waits in one that is there already is neither acked nor lost: the next receiver gets it.
  const connection = await dialer.dial({ clientId: name.clientId, persistent: true, receiveMaximum: 1, onMessage: () => true }, signal)
  try {
    // Also in one that is there: an attempt before may have ended between the two.
    await connection.subscribe(name.filter, qos)
    await notes.write(name, undefined, connection)
  } finally {
    await connection.close()
  }
}
