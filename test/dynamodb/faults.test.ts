import { setTimeout as sleep } from 'node:timers/promises'
import { isBrokerError } from '@busbar/core'
import { dynamoStore, type DynamoStore } from '@busbar/dynamodb'
import { expect, it } from 'vitest'
import { startDynamo, type Fault } from './support/dynamo-bed.ts'

const kinds: readonly Fault[] = ['throttle', 'fail', 'lose', 'hang']

/** Several clients that want the same keys, and whom they see having them. Leases are longer than the test. */
class Rivals {
  readonly #holders = new Map<string, string>()
  readonly completed = new Map<string, string>()
  readonly violations: string[] = []
  failures = 0

  async want(store: DynamoStore, key: string, owner: string): Promise<void> {
    const result = await this.#repeat(() => store.claim({ key, owner, leaseMs: 600_000 }))
    if (result?.state === 'done' && result.value !== this.completed.get(key)) this.violations.push(`${key} has the value ${result.value}`)
    if (result?.state !== 'claimed') return
    const other = this.#holders.get(key)
    if (other !== undefined) this.violations.push(`${key} has two owners, ${other} and ${owner}`)
    this.#holders.set(key, owner)
    const claim = { key, owner, fence: result.fence }
    if ((await this.#repeat(() => store.save([{ ...claim, note: owner }], 600_000, 600_000)))?.[0] !== 'saved')
      this.violations.push(`${key} was lost by ${owner}`)
    // Others may see the value before this process has the answer.
    this.completed.set(key, owner)
    if ((await this.#repeat(() => store.complete(claim, owner, 600_000))) !== 'completed') this.violations.push(`${key} could not be completed by ${owner}`)
  }

  /** As a caller would: the same call again when it may have been carried out. */
  async #repeat<T>(call: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 0; attempt < 30; attempt++) {
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

it(
  'gives no key to two owners and loses nothing while requests are throttled, fail, hang and lose their answers, and the server is gone twice',
  { timeout: 60_000 },
  async () => {
    await using bed = await startDynamo()
    const gateways = [await bed.gateway(), await bed.gateway(), await bed.gateway()]
    const stores = gateways.map((gateway) => dynamoStore({ ...gateway.options, timeoutMs: 800 }))
    await stores[0]?.createTable()
    let asked = 0
    // Every seventh request, each kind in turn.
    for (const gateway of gateways) gateway.fault = () => (++asked % 7 === 0 ? kinds[(asked / 7) % kinds.length] : undefined)
    const rivals = new Rivals()
    const ending = new AbortController()
    let keys = 0
    const work = async (): Promise<void> => {
      while (!ending.signal.aborted) {
        const key = `key-${keys++}`
        await Promise.all(stores.map((store, index) => rivals.want(store, key, `client-${index}`)))
      }
    }
    const working = Promise.all(Array.from({ length: 10 }, work))
    for (const downMs of [100, 900]) {
      await sleep(700)
      await Promise.all(gateways.map((gateway) => gateway.stop()))
      await sleep(downMs)
      await Promise.all(gateways.map((gateway) => gateway.start()))
    }
    await expect.poll(() => rivals.completed.size, { timeout: 30_000 }).toBeGreaterThan(20)
    ending.abort()
    await working
    for (const gateway of gateways) gateway.fault = () => undefined
    expect(rivals.violations).toEqual([])
    expect(rivals.failures).toBeGreaterThan(0)
    const [reader] = stores
    for (const [key, value] of rivals.completed) expect(await reader?.claim({ key, owner: 'check', leaseMs: 1_000 })).toEqual({ state: 'done', value })
    console.log(`${rivals.completed.size} claims completed, ${rivals.failures} calls failed in time and were made again`)
    await Promise.all([...stores.map((store) => store.close()), ...gateways.map((gateway) => gateway[Symbol.asyncDispose]())])
  },
)
