import type { Dialer } from '../connection/dialer.ts'
import type { SessionName } from '../names.ts'
import type { Notes } from './notes.ts'

/** Makes a session by connecting once with its client id and subscribing, notes it, and leaves it at the broker. Throws `BrokerError`. */
export async function makeSession(name: SessionName, qos: 0 | 1, dialer: Dialer, notes: Notes, signal: AbortSignal): Promise<void> {
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
