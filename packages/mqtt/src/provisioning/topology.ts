import type { Change, Endpoint, Topology } from '@busbar/core/driver'
import type { Dialer } from '../connection/dialer.ts'
import type { SessionName } from '../names.ts'
import type { ResolvedOptions } from '../options.ts'
import { resolveRouteOptions } from '../route-options.ts'
import { makeSession } from './make-session.ts'
import type { Note, Notes } from './notes.ts'
import type { Sessions } from './sessions.ts'

interface Needed {
  readonly name: SessionName
  readonly qos: 0 | 1
}

/** Sessions connected at once while they are made. */
const atOnce = 8

/** Persistent sessions. Topics need none and nothing else: they exist by being named. What is there is read from the notes, since connecting to a session would end its receiver. */
export class MqttTopology implements Topology {
  readonly #options: ResolvedOptions
  readonly #dialer: Dialer
  readonly #notes: Notes
  readonly #sessions: Sessions

  constructor(options: ResolvedOptions, dialer: Dialer, notes: Notes, sessions: Sessions) {
    this.#options = options
    this.#sessions = sessions
    this.#dialer = dialer
    this.#notes = notes
  }

  async plan(endpoints: readonly Endpoint[]): Promise<readonly Change[]> {
    const changes = await Promise.all(endpoints.map((endpoint) => this.#changesOf(endpoint)))
    return changes.flat()
  }

  async apply(endpoints: readonly Endpoint[], _changes: readonly Change[], signal: AbortSignal): Promise<void> {
    const missing = (await Promise.all(endpoints.map((endpoint) => this.#missing(endpoint)))).flat()
    // Sources may share a place for dead letters: two connections with one client id would end each other.
    const work = new Map(missing.map((needed) => [needed.name.clientId, needed])).values()
    const make = async (): Promise<void> => {
      for (const { name, qos } of work) await makeSession(name, qos, this.#dialer, this.#notes, signal)
    }
    await Promise.all(Array.from({ length: atOnce }, make))
  }

  async #changesOf(endpoint: Endpoint): Promise<readonly Change[]> {
    const names = await this.#sessions.of(endpoint)
    if (names.length === 0) return []
    const notes = await this.#sessions.notesOf(endpoint, names.length)
    return names.flatMap((name) => changeOf(name, notes.get(name.index)) ?? [])
  }

  async #missing(endpoint: Endpoint): Promise<readonly Needed[]> {
    const names = await this.#sessions.of(endpoint)
    if (names.length === 0) return []
    const { qos } = resolveRouteOptions(endpoint, this.#options)
    const notes = await this.#sessions.notesOf(endpoint, names.length)
    return names.filter(({ index }) => !notes.has(index)).map((name) => ({ name, qos: qos === 0 ? 0 : 1 }))
  }
}

function changeOf(name: SessionName, note: Note | undefined): Change | undefined {
  const resource = `session ${name.clientId}`
  if (note === undefined) {
    const text = `Create the session ${name.clientId} by connecting once, and subscribe it to ${name.filter}.`
    return { resource, kind: 'create', text, permission: `connect as ${name.clientId}, subscribe to ${name.filter}` }
  }
  if (note.members !== name.members) {
    const text = `The source of session ${name.clientId} was made with ${note.members} members, and the route says ${name.members}: set members to that, or empty and delete its sessions and their notes, and provision again.`
    return { resource, kind: 'conflict', text }
  }
  if (note.filter === name.filter) return undefined
  const text = `Session ${name.clientId} is subscribed to ${note.filter}, and ${name.filter} is needed: empty and delete it, and its note, and provision again.`
  return { resource, kind: 'conflict', text }
}
