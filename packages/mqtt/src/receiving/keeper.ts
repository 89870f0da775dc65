import type { BrokerError, Scope } from '@busbar/core/driver'
import { mqttError } from '../errors.ts'
import type { SessionName } from '../names.ts'
import type { NotesOf } from '../provisioning/notes.ts'
import { Session, type SessionHost } from './session.ts'

/** Keeps the sessions of one source connected: all of them, or this process's share. */
export interface Keeper {
  /** Throws `BrokerError`; then nothing is held. */
  start(): Promise<void>
  /** Those that are ours. */
  readonly sessions: Iterable<Session>
  /** For good: everything unsettled stays at the broker. Bounded; never throws. */
  stop(): Promise<void>
}

/** What a keeper asks of its receiver, beyond what sessions do. */
export interface KeeperHost extends Omit<SessionHost, 'onDisplaced'> {
  /** Core ends what runs, and settles it. */
  readonly revoke: (scope: Scope, deadlineMs: number) => Promise<void>
  /** What waits of connections that are about to be given up, or have been, is to be forgotten. */
  readonly onDropped: () => void
  readonly onFatal: (error: BrokerError) => void
}

/** Throws `ERR_NOT_FOUND` unless every session has been made. */
export function checkNoted(names: readonly SessionName[], notes: NotesOf): void {
  const missing = names.find(({ index }) => !notes.has(index))
  if (missing === undefined) return
  throw mqttError('ERR_NOT_FOUND', `There is no session ${missing.clientId}: provision it, so that the broker keeps its messages`)
}

/** The one session of a subscription, or of a queue that is not shared. A second receiver takes it over for good, and the first is told. */
export class SoleKeeper implements Keeper {
  readonly #host: KeeperHost
  readonly #session: Session

  constructor(name: SessionName, host: KeeperHost) {
    this.#host = host
    const onDisplaced = (_: Session, { message, cause }: BrokerError): void =>
      host.onFatal(
        mqttError('ERR_CONFLICT', `${message}. A subscription has one receiver at a time: it is a session of MQTT, and that belongs to one connection`, {
          cause,
        }),
      )
    this.#session = new Session(name, { ...host, onDisplaced })
  }

  get sessions(): Iterable<Session> {
    return [this.#session]
  }

  async start(): Promise<void> {
    const { name } = this.#session
    checkNoted([name], await this.#host.notes.of(name.base, 1))
    await this.#session.start()
  }

  async stop(): Promise<void> {
    await this.#session.stop()
  }
}
