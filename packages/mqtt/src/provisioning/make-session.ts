import { isBrokerError } from '@busbar/core/driver'
import type { Dialer } from '../connection/dialer.ts'
import type { SessionName } from '../names.ts'
import type { Notes } from './notes.ts'

/** For one session, each after a look at the notes. */
const attempts = 5

/**
 * Makes a session of which there is no note. Processes that make it at the same time end each other's connections: who connects last makes it, and the others find that
 * it has been noted. Throws `BrokerError`.
 */
export async function makeSession(name: SessionName, qos: 0 | 1, dialer: Dialer, notes: Notes, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await subscribeSession(name, qos, dialer, notes, signal)
    } catch (error) {
      if (attempt === attempts || !isBrokerError(error) || !error.retryable) throw error
    }
    // Takes as long as a note may be on its way. Throws if the link is down itself.
    if ((await notes.of(name.base, name.members)).has(name.index)) return
  }
}

/** Connects once with the client id of a session and subscribes it, notes it, and leaves it at the broker. Throws `BrokerError`. */
export async function subscribeSession(name: SessionName, qos: 0 | 1, dialer: Dialer, notes: Notes, signal: AbortSignal): Promise<void> {
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
