import type { StoredClaim } from '@busbar/core/driver'
import type { RedisClient, RedisNode } from './client.ts'
import type { Connection } from './connection.ts'
import { decodeKey, encodeKey, patternOf, scannable } from './key-names.ts'
import { readCursor, writeCursor, type ScanPosition } from './scan-cursor.ts'

export interface ScannerOptions {
  readonly connection: Connection
  readonly prefix: string
  /** The claim under this name, if it is alive. */
  readonly look: (client: RedisClient, name: string, key: string) => Promise<StoredClaim | undefined>
}

export interface ScanPage {
  readonly claims: readonly StoredClaim[]
  readonly cursor?: string
}

/** Calls of SCAN per page at most: other keys may lie between ours, and a page must not take for ever. */
const callsPerPage = 50
const fewestPerCall = 100

/** Lists claims by SCAN, on all masters of a cluster one after the other. */
export class Scanner {
  readonly #options: ScannerOptions

  constructor(options: ScannerOptions) {
    this.#options = options
  }

  /** A page may hold fewer than `limit` claims although more follow. */
  async scan(keyPrefix: string, cursor: string | undefined, limit: number): Promise<ScanPage> {
    let position: ScanPosition | undefined = cursor === undefined ? { node: '', cursor: '0', pending: [] } : readCursor(cursor)
    const claims: StoredClaim[] = []
    let calls = 0
    while (position !== undefined && claims.length < limit) {
      const { pending }: ScanPosition = position
      if (pending.length > 0) {
        const count = limit - claims.length
        claims.push(...(await this.#look(keyPrefix, pending.slice(0, count))))
        position = { node: position.node, cursor: position.cursor, pending: pending.slice(count) }
      } else if (calls++ < callsPerPage) {
        position = await this.#next(keyPrefix, position, limit)
      } else break
    }
    return position === undefined ? { claims } : { claims, cursor: writeCursor(position) }
  }

  async #look(keyPrefix: string, names: readonly string[]): Promise<StoredClaim[]> {
    const { connection, prefix, look } = this.#options
    const wanted = names.flatMap((name) => {
      const key = decodeKey(name.slice(prefix.length))
      return key.startsWith(keyPrefix) ? [{ name, key }] : []
    })
    const found = await connection.run('scan', (client) => Promise.all(wanted.map(({ name, key }) => look(client, name, key))))
    return found.filter((claim) => claim !== undefined)
  }

  /** One call further; `undefined` at the end. */
  #next(keyPrefix: string, position: ScanPosition, limit: number): Promise<ScanPosition | undefined> {
    const beginning = this.#options.prefix + encodeKey(scannable(keyPrefix))
    return this.#options.connection.run('scan', async (client) => {
      const place = placeOf(client, position)
      if (place === undefined) return undefined
      // The client puts its own prefix before the keys of commands, but not into patterns, and doesn't take it off what is found.
      const own = textOf(client.options?.keyPrefix)
      const [cursor, found] = await place.node.scan(place.cursor, 'MATCH', patternOf(own + beginning), 'COUNT', Math.max(limit, fewestPerCall))
      return { node: place.name, cursor: cursor === '0' ? undefined : cursor, pending: found.map((name) => name.slice(own.length)) }
    })
  }
}

interface Place {
  readonly node: RedisNode
  readonly name: string
  readonly cursor: string
}

/** Where to go on: on the same server, or at the beginning of the next one, also if the last one has left the cluster meanwhile. */
function placeOf(client: RedisClient, { node, cursor }: ScanPosition): Place | undefined {
  if (client.nodes === undefined) return cursor === undefined ? undefined : { node: client, name: '', cursor }
  const nodes = client.nodes('master').map((master) => ({ node: master, name: `${master.options?.host}:${master.options?.port}` }))
  const next = nodes.toSorted((one, other) => (one.name < other.name ? -1 : 1)).find(({ name }) => name > node || (name === node && cursor !== undefined))
  return next === undefined ? undefined : { ...next, cursor: next.name === node ? (cursor ?? '0') : '0' }
}

function textOf(prefix: unknown): string {
  return typeof prefix === 'string' ? prefix : prefix instanceof Uint8Array ? Buffer.from(prefix).toString() : ''
}
