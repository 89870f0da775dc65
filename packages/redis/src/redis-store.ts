import {
  checkedInteger,
  checkedNumber,
  longestClaimMs,
  type Claim,
  type ClaimRequest,
  type ClaimResult,
  type LeaseStore,
  type Note,
  type StoredClaim,
} from '@busbar/core/driver'
import type { RedisClient } from './client.ts'
import { Connection } from './connection.ts'
import { isUnknownScript } from './errors.ts'
import { decodeText, encodeKey, encodeText } from './key-names.ts'
import { isClient, resolveOptions, type RedisStoreOptions, type ResolvedOptions } from './options.ts'
import { makeClient } from './own-client.ts'
import { Scanner, type ScanPage } from './scanner.ts'
import { claimScript, completeScript, lookScript, releaseScript, renewScript, saveScript, type Script } from './scripts.ts'

/** A {@link LeaseStore} in Redis, to be closed when it is no longer needed. */
export interface RedisStore extends LeaseStore, AsyncDisposable {
  claim(request: ClaimRequest): Promise<ClaimResult>
  renew(claims: readonly Claim[], leaseMs: number): Promise<readonly ('renewed' | 'lost')[]>
  complete(claim: Claim, value: string, ttlMs: number): Promise<'completed' | 'lost'>
  release(claim: Claim): Promise<'released' | 'lost'>
  save(notes: readonly Note[], leaseMs: number, ttlMs: number): Promise<readonly ('saved' | 'lost')[]>
  scan(prefix: string, options: { readonly cursor?: string; readonly limit: number }): Promise<ScanPage>
  /** Lets running calls finish, then closes the connection if the store has made it. Later calls reject with `ERR_CLOSED`. Never rejects. */
  close(): Promise<void>
}

/**
 * Claims in Redis 5 or newer, a single server, one with replicas, or a cluster: shared by all processes that use the same prefix.
 *
 * Each operation is one script on one key and atomic. Leases run on the server's clock, so those of the processes may differ and jump.
 * Every call settles within `timeoutMs`, with a `BrokerError` when Redis cannot be reached (`ERR_UNAVAILABLE`) or does not answer (`ERR_TIMEOUT`). What was under
 * way then may have been carried out, and can be repeated by the same owner. Until then a call that was cut off is repeated here.
 *
 * Throws `ERR_CONFIGURATION` for options out of bounds or unknown. Connects at the first call.
 */
export function redisStore(options: RedisStoreOptions | RedisClient): RedisStore {
  return new ScriptStore(resolveOptions(isClient(options) ? { client: options } : options))
}

class ScriptStore implements RedisStore {
  readonly #prefix: string
  readonly #memory: string
  readonly #connection: Connection
  readonly #scanner: Scanner

  constructor({ source, prefix, timeoutMs, fenceMemoryMs, clock }: ResolvedOptions) {
    this.#prefix = prefix
    this.#memory = String(fenceMemoryMs)
    const open = (): RedisClient | Promise<RedisClient> => {
      if (source.kind === 'client') return source.client
      return source.kind === 'factory' ? source.make() : makeClient(source, timeoutMs)
    }
    this.#connection = new Connection({ open, owned: source.kind !== 'client', timeoutMs, clock })
    this.#scanner = new Scanner({ connection: this.#connection, prefix, look: lookAt })
  }

  async claim({ key, owner, leaseMs }: ClaimRequest): Promise<ClaimResult> {
    const answer = await this.#run('claim', claimScript, key, encodeText(owner), whole('leaseMs', leaseMs), this.#memory)
    const [state, detail, note] = answer as [state: string, detail: string, note?: string]
    if (state === 'claimed') return { state, fence: Number(detail), ...noteOf(note) }
    return state === 'done' ? { state, value: decodeText(detail) } : { state: 'busy', expiresInMs: Number(detail) }
  }

  async renew(claims: readonly Claim[], leaseMs: number): Promise<readonly ('renewed' | 'lost')[]> {
    const lease = whole('leaseMs', leaseMs)
    return (await this.#runAll('renew', renewScript, claims, () => [lease, this.#memory])) as ('renewed' | 'lost')[]
  }

  async save(notes: readonly Note[], leaseMs: number, ttlMs: number): Promise<readonly ('saved' | 'lost')[]> {
    const [lease, ttl] = [whole('leaseMs', leaseMs), whole('ttlMs', ttlMs)]
    return (await this.#runAll('save', saveScript, notes, ({ note }) => [lease, this.#memory, ttl, encodeText(note)])) as ('saved' | 'lost')[]
  }

  async complete(claim: Claim, value: string, ttlMs: number): Promise<'completed' | 'lost'> {
    const answer = await this.#run('complete', completeScript, claim.key, ...held(claim), whole('ttlMs', ttlMs), this.#memory, encodeText(value))
    return answer as 'completed' | 'lost'
  }

  async release(claim: Claim): Promise<'released' | 'lost'> {
    return (await this.#run('release', releaseScript, claim.key, ...held(claim), this.#memory)) as 'released' | 'lost'
  }

  async scan(prefix: string, { cursor, limit }: { readonly cursor?: string; readonly limit: number }): Promise<ScanPage> {
    return this.#scanner.scan(prefix, cursor, checkedInteger('scan: limit', limit, 1, 10_000))
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #run(doing: string, script: Script, key: string, ...given: string[]): Promise<unknown> {
    return this.#connection.run(doing, (client) => evaluate(client, script, this.#nameOf(key), ...given))
  }

  /** Sent in one go, each to the node that has it; the answers come together. */
  async #runAll<C extends Claim>(doing: string, script: Script, claims: readonly C[], given: (claim: C) => string[]): Promise<unknown[]> {
    if (claims.length === 0) return []
    return this.#connection.run(doing, (client) =>
      Promise.all(claims.map((claim) => evaluate(client, script, this.#nameOf(claim.key), ...held(claim), ...given(claim)))),
    )
  }

  #nameOf(key: string): string {
    return this.#prefix + encodeKey(key)
  }
}

/** By its digest; the whole script only to a server that does not know it, such as one that was restarted. */
async function evaluate(client: RedisClient, { text, sha }: Script, name: string, ...given: string[]): Promise<unknown> {
  try {
    return await client.evalsha(sha, 1, name, ...given)
  } catch (error) {
    if (!isUnknownScript(error)) throw error
    return client.eval(text, 1, name, ...given)
  }
}

async function lookAt(client: RedisClient, name: string, key: string): Promise<StoredClaim | undefined> {
  const found = (await evaluate(client, lookScript, name)) as [string, string, string, string, string?] | null
  if (found === null) return undefined
  const [state, fence, left, text, note] = found
  const common = { key, fence: Number(fence), expiresInMs: Number(left) }
  return state === 'd' ? { ...common, state: 'done', value: decodeText(text) } : { ...common, state: 'busy', owner: decodeText(text), ...noteOf(note) }
}

function noteOf(stored: string | null | undefined): { readonly note?: string } {
  return typeof stored === 'string' ? { note: decodeText(stored) } : {}
}

function held({ owner, fence }: Claim): [owner: string, fence: string] {
  return [encodeText(owner), String(fence)]
}

function whole(what: string, ms: number): string {
  return String(Math.ceil(checkedNumber(`redis: ${what}`, ms, 0, longestClaimMs)))
}
