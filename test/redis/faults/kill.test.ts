import { setTimeout as sleep } from 'node:timers/promises'
import { isBrokerError } from '@busbar/core'
import { redisStore, type RedisStore } from '@busbar/redis'
import { afterAll, describe, expect, it } from 'vitest'
import { skipOrFail, startRedis } from '../../brokers/index.ts'

const bed = skipOrFail(await startRedis({ persistence: 'always' }))

/** What several clients do to one key after the other, and whom they see having it. */
class Workers {
  /** Owners of keys whose claim has not ended; leases are longer than the test. */
  readonly #holders = new Map<string, string>()
  readonly violations: string[] = []
  readonly completed = new Map<string, string>()
  failures = 0
  #next = 0
  ended = false

  /** Claims the same keys as the other workers do, at about the same time. */
  async work(name: string, stores: readonly RedisStore[]): Promise<void> {
    while (!this.ended) {
      const key = `key-${this.#next++}`
      await Promise.all(stores.map((store, index) => this.#tryKey(store, key, `${name}-${index}`)))
    }
  }

  async #tryKey(store: RedisStore, key: string, owner: string): Promise<void> {
    const result = await this.#repeat(() => store.claim({ key, owner, leaseMs: 600_000 }))
    if (result?.state === 'done' && result.value !== this.completed.get(key)) this.violations.push(`${key} has the value ${result.value}`)
    if (result?.state !== 'claimed') return
    const other = this.#holders.get(key)
    if (other !== undefined) this.violations.push(`${key} has two owners, ${other} and ${owner}`)
    this.#holders.set(key, owner)
    if ((await this.#repeat(() => store.renew([{ key, owner, fence: result.fence }], 600_000)))?.[0] !== 'renewed')
      this.violations.push(`${key} was lost by ${owner}`)
    // Others may see the value before this process has the answer.
    this.completed.set(key, owner)
    const ended = await this.#repeat(() => store.complete({ key, owner, fence: result.fence }, owner, 600_000))
    if (ended !== 'completed') this.violations.push(`${key} could not be completed by ${owner}`)
  }

  /** As a caller would: the same call again when it may have been carried out. */
  async #repeat<T>(call: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 0; attempt < 20; attempt++) {
      try {
        return await call()
      } catch (error) {
        if (!isBrokerError(error) || !error.retryable) throw error
        this.failures++
      }
    }
    return undefined
  }
}

describe.skipIf(bed === undefined)('killing Redis under load, with a synced append-only file', { timeout: 50_000 }, () => {
  if (bed === undefined) return
  afterAll(() => bed[Symbol.asyncDispose]())

  it('loses no completed claim and never gives a key to two owners', async () => {
    const stores = Array.from({ length: 3 }, () => redisStore({ url: bed.url, timeoutMs: 1_000 }))
    const workers = new Workers()
    const running = Array.from({ length: 40 }, (_, index) => workers.work(`worker-${index}`, stores))
    for (const downMs of [0, 1_300, 100]) {
      await sleep(1_000)
      await bed.kill()
      await sleep(downMs)
      await bed.start()
    }
    await sleep(500)
    workers.ended = true
    await Promise.all(running)
    expect(workers.violations).toEqual([])
    expect(workers.completed.size).toBeGreaterThan(500)
    expect(workers.failures).toBeGreaterThan(0)
    // All at once, on a machine that may have other things to do.
    const store = redisStore({ url: bed.url, timeoutMs: 20_000 })
    const wrong = await Promise.all(
      [...workers.completed].map(async ([key, value]) => {
        const result = await store.claim({ key, owner: 'check', leaseMs: 1_000 })
        return result.state === 'done' && result.value === value ? [] : [`${key}: ${JSON.stringify(result)}`]
      }),
    )
    expect(wrong.flat()).toEqual([])
    console.log(`${workers.completed.size} claims completed over three kills, ${workers.failures} calls failed in time and were made again`)
    await Promise.all([store, ...stores].map((each) => each.close()))
  })
})
