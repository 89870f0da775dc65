import type { TableDescription } from '@aws-sdk/client-dynamodb'
import { sleep, type Clock } from '@busbar/core/driver'
import type { Calls } from './calls.ts'
import { configuration, dynamoError } from './errors.ts'
import type { TableApi } from './table-api.ts'

/** `on-demand`, or so many reads of 4 KB and writes of 1 KB per second. */
export type Capacity = 'on-demand' | { readonly readUnits: number; readonly writeUnits: number }

/** How `createTable` makes a table that is not there. A table that is there stays as it is. */
export interface TableOptions {
  /** Default `on-demand`. */
  readonly capacity?: Capacity
  /** Has DynamoDB refuse to delete the table while this is set. Default false. */
  readonly deletionProtection?: boolean
}

/** Time for a table to be made, in milliseconds. */
const createMs = 120_000
/** Between two looks at a table that is being made, in milliseconds. */
const lookMs = 200
const deletionAttribute = 'deleteAt'
const keySchema = [
  { AttributeName: 'slot', KeyType: 'HASH' },
  { AttributeName: 'claimKey', KeyType: 'RANGE' },
] as const

export function createTable(calls: Calls, clock: Clock, { capacity = 'on-demand', deletionProtection = false }: TableOptions): Promise<void> {
  const throughput =
    capacity === 'on-demand'
      ? { BillingMode: 'PAY_PER_REQUEST' as const }
      : {
          BillingMode: 'PROVISIONED' as const,
          ProvisionedThroughput: { ReadCapacityUnits: units('readUnits', capacity.readUnits), WriteCapacityUnits: units('writeUnits', capacity.writeUnits) },
        }
  return calls.runUntimed('createTable', createMs, async (api) => {
    await make(api, {
      KeySchema: [...keySchema],
      AttributeDefinitions: keySchema.map(({ AttributeName }) => ({ AttributeName, AttributeType: 'S' as const })),
      ...(deletionProtection && { DeletionProtectionEnabled: true }),
      ...throughput,
    })
    for (;;) {
      const table = await api.describe()
      checkKey(table)
      if (isUsable(table)) break
      await sleep(clock, lookMs)
    }
    if ((await api.deletionAttribute()) !== deletionAttribute) await api.deleteBy(deletionAttribute)
  })
}

export function verifyTable(calls: Calls, timeoutMs: number): Promise<void> {
  return calls.runUntimed('verifyTable', timeoutMs, async (api) => {
    const table = await api.describe()
    checkKey(table)
    if (!isUsable(table)) throw configuration(`verifyTable: the table is ${table.TableStatus ?? 'in no state'} and cannot be used`)
    const found = await api.deletionAttribute()
    if (found !== deletionAttribute)
      throw configuration(
        `verifyTable: nothing deletes what has expired; set the table's time to live to the attribute '${deletionAttribute}', or call createTable()`,
      )
  })
}

/** A table that another process makes at the same time is as good. */
async function make(api: TableApi, input: Parameters<TableApi['createTable']>[0]): Promise<void> {
  try {
    await api.createTable(input)
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== 'ERR_CONFLICT') throw error
  }
}

function checkKey({ KeySchema = [], AttributeDefinitions = [] }: TableDescription): void {
  const found = keySchema.every(
    ({ AttributeName, KeyType }) =>
      KeySchema.some((part) => part.AttributeName === AttributeName && part.KeyType === KeyType) &&
      AttributeDefinitions.some((part) => part.AttributeName === AttributeName && part.AttributeType === 'S'),
  )
  if (!found) throw configuration("the table's key must be 'slot' (HASH, S) and 'claimKey' (RANGE, S); set the option 'table' to one for claims alone")
}

function isUsable({ TableStatus }: TableDescription): boolean {
  return TableStatus === 'ACTIVE' || TableStatus === 'UPDATING'
}

function units(name: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) >= 1) return value as number
  throw dynamoError('ERR_CONFIGURATION', `createTable: '${name}' must be a whole number, at least 1`)
}
