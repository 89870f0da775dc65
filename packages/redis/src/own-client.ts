import type { ConnectionOptions } from 'node:tls'
import { jitteredBackoff } from '@busbar/core/driver'
import type { CommonRedisOptions, DNSLookupFunction } from 'ioredis'
import type { RedisClient } from './client.ts'
import type { ResolvedSource, RedisTlsOptions } from './options.ts'

type OwnSource = Extract<ResolvedSource, { readonly addresses: unknown }>
type SharedOptions = Omit<CommonRedisOptions, 'replyMapping' | 'retryStrategy' | 'enableOfflineQueue' | 'readOnly' | 'himportFieldsets'> & {
  tls?: ConnectionOptions
}

/**
 * Makes a client of our own. It keeps nothing for later and repeats nothing: a call that was cut off fails at once, and `Connection` repeats it while
 * somebody still waits for it. It reconnects for ever.
 */
export async function makeClient(source: OwnSource, timeoutMs: number): Promise<RedisClient> {
  const { Redis, Cluster } = await import('ioredis')
  const [{ secure, host, port, database }] = source.addresses
  const shared = sharedOptions(source, timeoutMs)
  const client =
    source.kind === 'server'
      ? new Redis({ ...shared, host, port, db: database, enableOfflineQueue: false, retryStrategy: reconnectMs })
      : new Cluster(
          source.addresses.map((address) => ({ host: address.host, port: address.port })),
          {
            redisOptions: shared,
            enableOfflineQueue: false,
            clusterRetryStrategy: reconnectMs,
            slotsRefreshTimeout: timeoutMs,
            ...(secure ? { dnsLookup: asItIs } : {}),
          },
        )
  // Without a listener ioredis writes every failed connection to the console. What matters comes with the calls.
  client.on('error', (error) => {
    // ioredis would go on with database 0.
    if (client instanceof Redis && isOfSelect(error)) client.disconnect(true)
  })
  return client
}

function isOfSelect(error: Error & { readonly command?: { readonly name?: unknown } }): boolean {
  return error.command?.name === 'select'
}

function sharedOptions({ addresses: [{ secure, username, password }], tls, connectionName }: OwnSource, timeoutMs: number): SharedOptions {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(secure ? { tls: tlsOptions(tls) } : {}),
    connectionName,
    connectTimeout: timeoutMs,
    // A link that is dead without a word is cut after a call has waited on it in vain.
    socketTimeout: timeoutMs + 200,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    // After a fail-over this connection may still lead to what is a replica now. Before Redis 7 the word stands in the middle.
    reconnectOnError: ({ message }) => /\bREADONLY\b/.test(message),
  }
}

function tlsOptions({ ca, cert, key, passphrase, servername }: RedisTlsOptions): ConnectionOptions {
  const authorities: readonly (string | Uint8Array)[] = ca === undefined ? [] : typeof ca === 'string' || ca instanceof Uint8Array ? [ca] : ca
  return {
    ...(ca === undefined ? {} : { ca: authorities.map(buffer) }),
    ...(cert === undefined ? {} : { cert: buffer(cert) }),
    ...(key === undefined ? {} : { key: buffer(key) }),
    ...(passphrase === undefined ? {} : { passphrase }),
    ...(servername === undefined ? {} : { servername }),
  }
}

function buffer(pem: string | Uint8Array): string | Buffer {
  return typeof pem === 'string' ? pem : Buffer.from(pem)
}

/** The nodes of a cluster by their names, which their certificates carry, and not by addresses found for them. */
const asItIs: DNSLookupFunction = (name, callback) => callback(null, name)

/** 50 ms to 2 s, with jitter, so that a restarted server is not met by all clients at once. */
function reconnectMs(times: number): number {
  return Math.round(jitteredBackoff(times, 50, 2_000, Math.random))
}
