import { inspect } from 'node:util'
import { CreateTableCommand, DynamoDBClient, PutItemCommand, ScanCommand, waitUntilTableExists } from '@aws-sdk/client-dynamodb'
import { isBrokerError, systemClock } from '@busbar/core'
import type { Claim } from '@busbar/core/driver'
import { dynamoStore, type DynamoStore, type DynamoStoreOptions } from '@busbar/dynamodb'
import { afterAll, expect, it, vi } from 'vitest'
import { startDynamo, type Fault } from './support/dynamo-bed.ts'

vi.setConfig({ testTimeout: 20_000 })

const bed = await startDynamo()
const gateway = await bed.gateway()
const admin = new DynamoDBClient(gateway.options)
const stores: DynamoStore[] = []
afterAll(async () => {
  admin.destroy()
  await Promise.all(stores.map((store) => store.close()))
  await gateway[Symbol.asyncDispose]()
  await bed[Symbol.asyncDispose]()
})

let names = 0
const fresh = (): string => `key-${++names}-`

function storeWith(options: DynamoStoreOptions = {}): DynamoStore {
  const store = dynamoStore({ ...gateway.options, ...options })
  stores.push(store)
  return store
}

const plain = storeWith()
await plain.createTable()

/** What a call that must not succeed ended with, and after which time. */
async function failureOf(call: Promise<unknown>): Promise<{ readonly code: string; readonly retryable: boolean; readonly ms: number; readonly text: string }> {
  const since = performance.now()
  try {
    await call
  } catch (error) {
    if (isBrokerError(error)) return { code: error.code, retryable: error.retryable, ms: performance.now() - since, text: inspect(error, { depth: 9 }) }
    throw error
  }
  throw new Error('the call succeeded')
}

async function claimed(store: DynamoStore, key: string, owner = 'a', leaseMs = 60_000): Promise<Claim> {
  const result = await store.claim({ key, owner, leaseMs })
  if (result.state !== 'claimed') throw new Error(`not claimed: ${JSON.stringify(result)}`)
  return { key, owner, fence: result.fence }
}

/** A way of its own, with a fault for so many requests of an operation. */
async function faulty(fault: Fault, times: number, operations: readonly string[] = ['UpdateItem', 'PutItem', 'Query', 'GetItem']): Promise<typeof gateway> {
  const own = await bed.gateway()
  let left = times
  own.fault = (operation) => (operations.includes(operation) && left-- > 0 ? fault : undefined)
  return own
}

it('claims a free key with one write, and renews, completes and releases with one', async () => {
  await using own = await bed.gateway()
  await using store = dynamoStore(own.options)
  await claimed(store, fresh())
  own.requests.clear()
  const [one, two] = [await claimed(store, fresh()), await claimed(store, fresh())]
  await store.renew([one, two], 1_000)
  await store.complete(one, 'value', 1_000)
  await store.release(two)
  expect(Object.fromEntries(own.requests)).toEqual({ UpdateItem: 6 })
})

it('has every item deleted some time after its claim has ended, also the parts of long values', async () => {
  const table = 'deletions'
  const store = storeWith({ table, fenceMemoryMs: 10_000 })
  await store.createTable()
  await claimed(store, 'busy', 'a', 60_000)
  await store.complete(await claimed(store, 'done'), 'v'.repeat(300_000), 120_000)
  await store.release(await claimed(store, 'released', 'a', 60_000))
  const { Items = [] } = await admin.send(new ScanCommand({ TableName: table }))
  const inSeconds = Items.map((item) => [item['claimKey']?.S, Number(item['deleteAt']?.N) - Date.now() / 1_000] as const)
  expect(inSeconds.map(([name]) => String(name)).toSorted((one, other) => (one < other ? -1 : 1))).toEqual([
    '000000',
    '000001',
    '000002',
    '=busy',
    '=done',
    '=released',
  ])
  for (const [name, seconds] of inSeconds) {
    const lasts = name === '=busy' || name === '=released' ? 60 : 120
    expect(seconds).toBeGreaterThan(lasts + 8)
    expect(seconds).toBeLessThan(lasts + 13)
  }
})

it('takes what has expired for gone although DynamoDB has not deleted it, and starts fences at the time where it has', async () => {
  const [key, table] = [fresh(), 'expired']
  const store = storeWith({ table })
  await store.createTable()
  const old = {
    slot: { S: '' },
    claimKey: { S: `=${key}` },
    kind: { S: 'done' },
    fence: { N: '7' },
    endsAt: { N: '1000' },
    lastsMs: { N: '1' },
    deleteAt: { N: '1' },
  }
  for (let slot = 0; slot < 16; slot++) await admin.send(new PutItemCommand({ TableName: table, Item: { ...old, slot: { S: `claims-${slot}` } } }))
  expect(await store.scan('', { limit: 100 })).toEqual({ claims: [] })
  expect((await claimed(store, key)).fence).toBe(8)
  const { fence } = await claimed(store, fresh())
  expect(Math.abs(fence / 1_000 - Date.now())).toBeLessThan(3_000)
})

// These wait for time limits and leases, and can do so together.
it.concurrent.each(['throttle', 'fail', 'lose', 'hang'] as const)('repeats requests that meet %s, and gives what the first would have given', async (fault) => {
  await using own = await faulty(fault, 1)
  await using store = dynamoStore({ ...own.options, timeoutMs: 1_500 })
  const again = (): void => {
    let left = 1
    own.fault = () => (left-- > 0 ? fault : undefined)
  }
  const claim = await claimed(store, fresh())
  again()
  expect(await store.renew([claim], 60_000)).toEqual(['renewed'])
  again()
  expect((await claimed(store, claim.key)).fence).toBe(claim.fence)
  again()
  expect(await store.complete(claim, 'value', 60_000)).toBe('completed')
  again()
  expect((await store.scan(claim.key, { limit: 10 })).claims).toMatchObject([{ key: claim.key, state: 'done', value: 'value' }])
  const other = await claimed(store, fresh())
  again()
  expect(await store.release(other)).toBe('released')
})

it.concurrent.each([
  ['throttle', 'ERR_THROTTLED'],
  ['fail', 'ERR_UNAVAILABLE'],
  ['lose', 'ERR_UNAVAILABLE'],
  ['hang', 'ERR_TIMEOUT'],
] as const)('ends every call in time, retryable, while everything meets %s', async (fault, code) => {
  await using own = await faulty(fault, Infinity)
  await using store = dynamoStore({ ...own.options, timeoutMs: 1_000 })
  const claims = Array.from({ length: 100 }, (_, index): Claim => ({ key: `k${index}`, owner: 'a', fence: 1 }))
  const calls = [store.claim({ key: fresh(), owner: 'a', leaseMs: 1_000 }), store.renew(claims, 1_000), store.scan('', { limit: 10 })]
  for (const failure of await Promise.all(calls.map(failureOf))) {
    expect(failure).toMatchObject({ code, retryable: true })
    expect(failure.ms).toBeLessThan(3_000)
  }
})

it.concurrent('has no more renewals out at once than it may, and renews nothing more when one has failed for good', async () => {
  await using own = await bed.gateway()
  await using store = dynamoStore({ ...own.options, maxParallel: 4, timeoutMs: 2_000 })
  const claims = await Promise.all(Array.from({ length: 40 }, () => claimed(store, fresh())))
  own.requests.clear()
  own.fault = (operation) => (operation === 'UpdateItem' ? 'hang' : undefined)
  const failed = failureOf(store.renew(claims, 60_000))
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(own.requests.get('UpdateItem')).toBe(4)
  await failed
  own.requests.clear()
  own.fault = () => 'deny'
  expect(await failureOf(store.renew(claims, 60_000))).toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: false })
  expect(own.requests.get('UpdateItem')).toBeLessThanOrEqual(8)
})

it.concurrent('keeps leases apart from the clocks of the processes, which may differ by a day', async () => {
  const skewed = (ms: number): DynamoStore =>
    storeWith({
      clock: {
        now: () => systemClock.now() + ms,
        monotonic: () => systemClock.monotonic(),
        timer: systemClock.timer.bind(systemClock),
        external: (operation) => operation,
      },
    })
  const [ahead, behind] = [skewed(86_400_000), skewed(-86_400_000)]
  const one = await claimed(behind, fresh(), 'a', 1_500)
  expect(await ahead.claim({ key: one.key, owner: 'b', leaseMs: 3_000 })).toMatchObject({ state: 'busy' })
  const two = await claimed(ahead, fresh(), 'a', 1_500)
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  await claimed(ahead, one.key, 'b')
  await claimed(behind, two.key, 'b')
  expect(await behind.complete(one, 'late', 60_000)).toBe('lost')
})

it('fails in time while the server is stopped, waits for it within the limit, and goes on with what was there', async () => {
  const hasty = storeWith({ timeoutMs: 300 })
  const claim = await claimed(plain, fresh())
  await gateway.stop()
  const waiting = plain.renew([claim], 60_000)
  const failure = await failureOf(hasty.claim({ key: fresh(), owner: 'a', leaseMs: 1_000 }))
  expect(failure).toMatchObject({ code: 'ERR_UNAVAILABLE', retryable: true })
  expect(failure.ms).toBeLessThan(1_000)
  await gateway.start()
  expect(await waiting).toEqual(['renewed'])
})

it('says which table is missing and how to make it, and that a table is not one for claims', async () => {
  const missing = await failureOf(storeWith({ table: 'nowhere' }).claim({ key: 'k', owner: 'a', leaseMs: 1_000 }))
  expect(missing).toMatchObject({ code: 'ERR_NOT_FOUND', retryable: false, text: expect.stringMatching(/'nowhere'.*createTable/s) })
  expect(await failureOf(storeWith({ table: 'nowhere' }).verifyTable())).toMatchObject({ code: 'ERR_NOT_FOUND' })
  const key = [{ AttributeName: 'id', KeyType: 'HASH' as const }]
  const definitions = [{ AttributeName: 'id', AttributeType: 'S' as const }]
  await admin.send(new CreateTableCommand({ TableName: 'foreign', KeySchema: key, AttributeDefinitions: definitions, BillingMode: 'PAY_PER_REQUEST' }))
  await waitUntilTableExists({ client: admin, maxWaitTime: 10, minDelay: 1 }, { TableName: 'foreign' })
  const foreign = storeWith({ table: 'foreign' })
  for (const call of [() => foreign.createTable(), () => foreign.verifyTable(), () => foreign.claim({ key: 'k', owner: 'a', leaseMs: 1_000 })])
    expect(await failureOf(call())).toMatchObject({ code: 'ERR_CONFIGURATION', retryable: false })
})

it('makes a table once, whoever asks, on demand or provisioned, and verifies that expired items are deleted', async () => {
  const store = storeWith({ table: 'made' })
  const another = storeWith({ table: 'made' })
  await Promise.all([store.createTable({ capacity: { readUnits: 5, writeUnits: 10 } }), another.createTable()])
  await store.createTable()
  await store.verifyTable()
  await claimed(another, 'k')
  // The emulator's other way in knows of no times to live.
  await using elsewhere = await startDynamo()
  await using way = await elsewhere.gateway()
  await using undeleted = dynamoStore(way.options)
  way.fault = (operation) => (operation === 'UpdateTimeToLive' ? 'deny' : undefined)
  expect(await failureOf(undeleted.createTable())).toMatchObject({ code: 'ERR_ACCESS_DENIED' })
  expect(await failureOf(undeleted.verifyTable())).toMatchObject({ code: 'ERR_CONFIGURATION', text: expect.stringContaining('deleteAt') })
  await expect(store.createTable({ capacity: { readUnits: 0, writeUnits: 1 } })).rejects.toThrow("'readUnits'")
})

it('refuses items that no store has written', async () => {
  const store = storeWith({ table: 'made' })
  for (let slot = 0; slot < 16; slot++)
    await admin.send(
      new PutItemCommand({ TableName: 'made', Item: { slot: { S: `claims-${slot}` }, claimKey: { S: '=foreign' }, fence: { N: '1' }, endsAt: { N: '9e15' } } }),
    )
  expect(await failureOf(store.claim({ key: 'foreign', owner: 'a', leaseMs: 1_000 }))).toMatchObject({ code: 'ERR_CONFLICT', retryable: false })
})

it('takes a client of its user and leaves it open', async () => {
  const client = new DynamoDBClient({ ...gateway.options, maxAttempts: 1 })
  const store = dynamoStore({ client })
  await claimed(store, fresh())
  await store.close()
  expect(await failureOf(store.claim({ key: 'k', owner: 'a', leaseMs: 1_000 }))).toMatchObject({ code: 'ERR_CLOSED', retryable: false })
  await client.send(new ScanCommand({ TableName: 'busbar-claims', Limit: 1 }))
})

it('refuses a client that repeats calls by itself', async () => {
  await using store = dynamoStore({ client: new DynamoDBClient({ ...gateway.options, maxAttempts: 3 }) })
  await expect(store.claim({ key: fresh(), owner: 'a', leaseMs: 1_000 })).rejects.toMatchObject({
    code: 'ERR_CONFIGURATION',
    message: 'dynamodb: the client makes 3 attempts of each call, which the store repeats as well; build it with maxAttempts: 1',
  })
})

it('refuses cursors and leases that are none', async () => {
  await expect(plain.scan('', { limit: 10, cursor: 'x' })).rejects.toThrow(TypeError)
  await expect(plain.scan('', { limit: 0 })).rejects.toThrow(RangeError)
  await expect(plain.claim({ key: 'k', owner: 'a', leaseMs: Number.NaN })).rejects.toThrow(RangeError)
})

it('reads one item per claim asked for in a scan, not the table', async () => {
  const store = storeWith({ table: 'scanned', timeoutMs: 20_000 })
  await store.createTable()
  await Promise.all(Array.from({ length: 100 }, (_, index) => claimed(store, `other-${index}`)))
  await Promise.all(Array.from({ length: 20 }, (_, index) => claimed(store, `mine-${index}`)))
  await using own = await bed.gateway()
  await using reader = dynamoStore({ ...own.options, table: 'scanned' })
  expect((await reader.scan('mine-', { limit: 100 })).claims.length).toBe(20)
  // A query for each of sixteen partitions, none of which begins with other keys.
  expect(own.requests.get('Query')).toBe(16)
  expect(own.requests.get('Scan')).toBeUndefined()
})
