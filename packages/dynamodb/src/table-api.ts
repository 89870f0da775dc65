import {
  CreateTableCommand,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  UpdateTimeToLiveCommand,
  type AttributeValue,
  type CreateTableCommandInput,
  type DynamoDBClient,
  type QueryCommandInput,
  type QueryCommandOutput,
  type TableDescription,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb'
import type { Place } from './key-names.ts'
import type { TimeBounds } from './service-time.ts'

/** Attributes of an item, as the SDK has them. */
export type Item = Readonly<Record<string, AttributeValue>>

/** What `UpdateItem` found. */
export type Updated = { readonly met: true; readonly item: Item } | { readonly met: false; readonly found: Item | undefined }

/** One attempt of a request on a client. */
export type Request<T> = (client: DynamoDBClient, options: RequestOptions) => Promise<T>

export interface RequestOptions {
  readonly abortSignal: AbortSignal
  /** Has the service's time read from the answer to a command. */
  readonly listen: <C extends { readonly middlewareStack: unknown }>(command: C) => C
}

/** Runs a request until it has an answer, within the time of its call. Rejects with a `BrokerError`, or with `ConditionalCheckFailedException` as it is. */
export type Send = <T>(request: Request<T>) => Promise<T>

/** The requests of one call. */
export class TableApi {
  readonly #send: Send
  readonly #table: string
  /** The service's time. */
  readonly now: () => TimeBounds

  constructor(send: Send, table: string, now: () => TimeBounds) {
    this.#send = send
    this.#table = table
    this.now = now
  }

  async get(place: Place): Promise<Item | undefined> {
    const input = { TableName: this.#table, Key: keyOf(place), ConsistentRead: true }
    const { Item } = await this.#send((client, { listen, abortSignal }) => client.send(listen(new GetItemCommand(input)), { abortSignal }))
    return Item
  }

  async put(item: Item): Promise<void> {
    const input = { TableName: this.#table, Item: { ...item } }
    await this.#send((client, { listen, abortSignal }) => client.send(listen(new PutItemCommand(input)), { abortSignal }))
  }

  /** Changes an item under a condition. Where that is not met, tells what was found instead. */
  async update(place: Place, change: Pick<UpdateItemCommandInput, 'UpdateExpression' | 'ConditionExpression' | 'ExpressionAttributeValues'>): Promise<Updated> {
    const input: UpdateItemCommandInput = {
      TableName: this.#table,
      Key: keyOf(place),
      ReturnValues: 'ALL_NEW',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      ...change,
    }
    try {
      const { Attributes } = await this.#send((client, { listen, abortSignal }) => client.send(listen(new UpdateItemCommand(input)), { abortSignal }))
      return { met: true, item: Attributes ?? {} }
    } catch (error) {
      if (!isUnmetCondition(error)) throw error
      return { met: false, found: error.Item ?? (await this.get(place)) }
    }
  }

  query(input: Omit<QueryCommandInput, 'TableName' | 'ConsistentRead'>): Promise<QueryCommandOutput> {
    const whole = { TableName: this.#table, ConsistentRead: true, ...input }
    return this.#send((client, { listen, abortSignal }) => client.send(listen(new QueryCommand(whole)), { abortSignal }))
  }

  async createTable(input: Omit<CreateTableCommandInput, 'TableName'>): Promise<void> {
    const whole = { TableName: this.#table, ...input } as CreateTableCommandInput
    await this.#send((client, { abortSignal }) => client.send(new CreateTableCommand(whole), { abortSignal }))
  }

  async describe(): Promise<TableDescription> {
    const input = { TableName: this.#table }
    const { Table } = await this.#send((client, { abortSignal }) => client.send(new DescribeTableCommand(input), { abortSignal }))
    return Table ?? {}
  }

  /** The attribute by which the table deletes what has expired; `undefined` if it deletes nothing. */
  async deletionAttribute(): Promise<string | undefined> {
    const input = { TableName: this.#table }
    const answer = await this.#send((client, { abortSignal }) => client.send(new DescribeTimeToLiveCommand(input), { abortSignal }))
    const { TimeToLiveStatus, AttributeName } = answer.TimeToLiveDescription ?? {}
    return TimeToLiveStatus === 'ENABLED' || TimeToLiveStatus === 'ENABLING' ? AttributeName : undefined
  }

  async deleteBy(attribute: string): Promise<void> {
    const input = { TableName: this.#table, TimeToLiveSpecification: { AttributeName: attribute, Enabled: true } }
    await this.#send((client, { abortSignal }) => client.send(new UpdateTimeToLiveCommand(input), { abortSignal }))
  }
}

/** Attributes of the table's key. */
export function keyOf({ slot, name }: Place): { slot: AttributeValue; claimKey: AttributeValue } {
  return { slot: { S: slot }, claimKey: { S: name } }
}

export function isUnmetCondition(error: unknown): error is Error & { readonly Item?: Item } {
  return error instanceof Error && error.name === 'ConditionalCheckFailedException'
}
