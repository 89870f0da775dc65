import type { Endpoint } from '@busbar/core/driver'
import { mqttError } from '../errors.ts'
import { sessionBase, sessionsOf, type SessionName } from '../names.ts'
import type { ResolvedOptions } from '../options.ts'
import { resolveRouteOptions } from '../route-options.ts'
import type { Notes, NotesOf } from './notes.ts'

/** Which sessions the sources of a link have. */
export class Sessions {
  readonly #options: ResolvedOptions
  readonly #notes: Notes

  constructor(options: ResolvedOptions, notes: Notes) {
    this.#options = options
    this.#notes = notes
  }

  /** Those that an endpoint is received from: as many as the route says, or as it was made with. None for a topic. Throws `BrokerError`. */
  async of(endpoint: Endpoint): Promise<readonly SessionName[]> {
    const { members } = resolveRouteOptions(endpoint, this.#options)
    return sessionsOf(endpoint, this.#options, members ?? (await this.#noted(endpoint)) ?? this.#options.members)
  }

  /** The same, and all of them have been made: throws `ERR_NOT_FOUND` otherwise, and `ERR_CONFLICT` if the source was made with another number of them. */
  async made(endpoint: Endpoint): Promise<readonly SessionName[]> {
    const names = await this.of(endpoint)
    if (names.length > 0) checkNoted(names, await this.notesOf(endpoint, names.length))
    return names
  }

  notesOf(endpoint: Endpoint, wanted: number): Promise<NotesOf> {
    return this.#notes.of(sessionBase(endpoint, this.#options), wanted)
  }

  async #noted(endpoint: Endpoint): Promise<number | undefined> {
    const [first] = (await this.notesOf(endpoint, 1)).values()
    return first?.members
  }
}

/** Received with fewer, what is dealt to the others waits for ever; their notes would say the wrong number too. */
function checkNoted(names: readonly SessionName[], notes: NotesOf): void {
  for (const { clientId, members, index } of names) {
    const noted = notes.get(index)?.members ?? members
    if (noted === members) continue
    throw mqttError('ERR_CONFLICT', `The source of session ${clientId} was made with ${noted} members, and the route says ${members}: set members to that`)
  }
  const missing = names.find(({ index }) => !notes.has(index))
  if (missing === undefined) return
  throw mqttError('ERR_NOT_FOUND', `There is no session ${missing.clientId}: provision it, so that the broker keeps its messages`)
}
