import { systemClock } from '@busbar/core'
import type { Clock } from '@busbar/core/driver'
import type { StoreHarness } from '@busbar/contract-tests/store'
import { redisStore } from '@busbar/redis'
import { startProxy, type RedisBed } from '../../brokers/index.ts'
import type { ClusterBed } from './cluster.ts'

let names = 0

/**
 * A Redis in real time, under a prefix of its own. Clients of a single server connect through a proxy of their own each, so that their answers can be lost.
 */
export function redisStoreHarness(beds: { readonly bed: RedisBed } | { readonly cluster: ClusterBed }): StoreHarness {
  const prefix = `contract-${process.pid}-${++names}:`
  let jumpedMs = 0
  const clock: Clock = {
    now: () => systemClock.now() + jumpedMs,
    monotonic: () => systemClock.monotonic(),
    timer: (atMs, wake) => systemClock.timer(atMs, wake),
    external: (operation) => operation,
  }
  const proxies = new WeakMap<object, Awaited<ReturnType<typeof startProxy>>>()
  return {
    label: { store: 'redis', version: 'bed' in beds ? beds.bed.version : (beds.cluster.nodes[0]?.version ?? ''), kind: 'real' },
    clock,
    bounds: { leaseMs: 1_000, slackMs: 200, caseMs: 20_000 },
    async createStore() {
      if ('cluster' in beds) return redisStore({ cluster: beds.cluster.urls, prefix, clock })
      const { url } = beds.bed
      const proxy = await startProxy(Number(new URL(url).port || 6379))
      const store = redisStore({ url: proxy.through(url), prefix, clock })
      const client = {
        ...bound(store),
        [Symbol.asyncDispose]: async () => {
          await store.close()
          await proxy[Symbol.asyncDispose]()
        },
      }
      proxies.set(client, proxy)
      return client
    },
    uniqueKey: (name) => `${name}-${process.pid}-${++names}-`,
    keepsNotes: true,
    faults: {
      jumpClock: (byMs) => {
        jumpedMs += byMs
      },
      ...('cluster' in beds
        ? {}
        : {
            loseNextAnswer: async (store: object) => {
              const proxy = proxies.get(store)
              // What is sent now arrives; the answer does not, and then the connection ends.
              proxy?.freeze('down')
              setTimeout(() => {
                proxy?.reset()
                proxy?.thaw()
              }, 100)
            },
          }),
    },
  }
}

function bound(store: ReturnType<typeof redisStore>): Pick<typeof store, 'claim' | 'renew' | 'complete' | 'release' | 'save' | 'scan'> {
  return {
    claim: (request) => store.claim(request),
    renew: (claims, leaseMs) => store.renew(claims, leaseMs),
    complete: (claim, value, ttlMs) => store.complete(claim, value, ttlMs),
    release: (claim) => store.release(claim),
    save: (notes, leaseMs, ttlMs) => store.save(notes, leaseMs, ttlMs),
    scan: (prefix, options) => store.scan(prefix, options),
  }
}
