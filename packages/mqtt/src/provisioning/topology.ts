import type { Change, Endpoint, Topology } from '@busbar/core/driver'
import type { Dialer } from '../connection/dialer.ts'
import { sessionBase, sessionsOf, type SessionName } from '../names.ts'
import type { ResolvedOptions } from '../options.ts'
import { resolveRouteOptions } from '../route-options.ts'
import { makeSession } from './make-session.ts'
import type { Note, Notes } from './notes.ts'

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

  constructor(options: ResolvedOptions, dialer: Dialer, notes: Notes) {
    this.#options = options
    this.#dialer = dialer
    this.#notes = notes
  }

  async plan(endpoints: readonly Endpoint[]): Promise<readonly Change[]> {
    const changes = await Promise.all(endpoints.map((endpoint) => this.#changesOf(endpoint)))
    return changes.flat()
  }

  async apply(endpoints: readonly Endpoint[], _changes: readonly Change[], signal: AbortSignal): Promise<void> {
    const missing = (await Promise.all(endpoints.map((endpoint) => this.#missing(endpoint)))).flat()
    const work = missing.values()
    const make = async (): Promise<void> => {
      for (const { name, qos } of work) await makeSession(name, qos, this.#dialer, this.#notes, signal)
    }
    await Promise.all(Array.from({ length: atOnce }, make))
  }

  async #changesOf(endpoint: Endpoint): Promise<readonly Change[]> {
    const needed = this.#needed(endpoint)
    if (needed.length === 0) return []
    const base = sessionBase(endpoint, this.#options)
    const notes = await this.#notes.of(base, needed.length)
    const surplus = [...notes.keys()].filter((index) => index >= needed.length)
    if (surplus.length > 0) return [tooMany(`${base}-${surplus[0]}`, needed.length)]
    return needed.flatMap(({ name }) => changeOf(name, notes.get(name.index)) ?? [])
  }

  async #missing(endpoint: Endpoint): Promise<readonly Needed[]> {
    const needed = this.#needed(endpoint)
    if (needed.length === 0) return []
    const notes = await this.#notes.of(sessionBase(endpoint, this.#options), needed.length)
    return needed.filter(({ name }) => !notes.has(name.index))
  }

  #needed(endpoint: Endpoint): readonly Needed[] {
    const { qos, members } = resolveRouteOptions(endpoint, this.#options)
    return sessionsOf(endpoint, this.#options, members).map((name) => ({ name, qos: qos === 0 ? 0 : 1 }))
  }
}

function changeOf(name: SessionName, note: Note | undefined): Change | undefined {
  const resource = `session ${name.clientId}`
  if (note === undefined) {
    const text = `Create the session ${name.clientId} by connecting once, and subscribe it to ${name.filter}.`
    return { resource, kind: 'create', text, permission: `connect as ${name.clientId}, subscribe to ${name.filter}` }
  }
  if (note.filter === name.filter) return undefined
  const text = `Session ${name.clientId} is subscribed to ${note.filter}, and ${name.filter} is needed: empty and delete it, and its note, and provision again.`
  return { resource, kind: 'conflict', text }
}

function tooMany(clientId: string, members: number): Change {
  const text = `Session ${clientId} exists, so the queue has more than ${members} members, and its messages would wait for nobody: set members, or empty and delete it, and its note.`
  return { resource: `session ${clientId}`, kind: 'conflict', text }
}
