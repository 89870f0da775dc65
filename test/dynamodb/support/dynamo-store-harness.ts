import { systemClock } from '@busbar/core'
import type { Clock } from '@busbar/core/driver'
import type { StoreHarness } from '@busbar/contract-tests/store'
import { dynamoStore } from '@busbar/dynamodb'
import type { DynamoBed, Gateway } from './dynamo-bed.ts'

let names = 0

/** DynamoDB in real time. Each client has a way of its own, so that its answers can be lost. */
export async function dynamoStoreHarness(bed: DynamoBed): Promise<StoreHarness> {
  let jumpedMs = 0
  const clock: Clock = {
    now: () => systemClock.now() + jumpedMs,
    monotonic: () => systemClock.monotonic(),
    timer: (atMs, wake) => systemClock.timer(atMs, wake),
    external: (operation) => operation,
  }
  const gateways = new WeakMap<object, Gateway>()
  await using gateway = await bed.gateway()
  await using maker = dynamoStore(gateway.options)
  await maker.createTable()
  return {
    label: { store: 'dynamodb', version: 'dynalite 4.0.0', kind: 'emulator' },
    clock,
    // Answers carry the time in whole seconds, so that leases may last by as much longer.
    bounds: { leaseMs: 4_000, slackMs: 1_500, caseMs: 40_000 },
    async createStore() {
      const own = await bed.gateway()
      const store = dynamoStore({ ...own.options, timeoutMs: 20_000, clock })
      const client = {
        claim: store.claim.bind(store),
        renew: store.renew.bind(store),
        complete: store.complete.bind(store),
        release: store.release.bind(store),
        save: store.save.bind(store),
        scan: store.scan.bind(store),
        [Symbol.asyncDispose]: async () => {
          await store.close()
          await own[Symbol.asyncDispose]()
        },
      }
      gateways.set(client, own)
      return client
    },
    uniqueKey: (name) => `${name}-${process.pid}-${++names}-`,
    keepsNotes: true,
    faults: {
      jumpClock: (byMs) => {
        jumpedMs += byMs
      },
      loseNextAnswer: async (store) => {
        const own = gateways.get(store)
        if (own === undefined) throw new TypeError('a client of this harness is needed')
        own.fault = (operation) => {
          own.fault = () => undefined
          return operation === 'GetItem' ? undefined : 'lose'
        }
      },
    },
  }
}
