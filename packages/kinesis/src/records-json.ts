import { Readable } from 'node:stream'
import type {
  _Record as NativeRecord,
  GetRecordsCommand,
  GetRecordsCommandOutput,
  KinesisClient,
  PutRecordsCommand,
  PutRecordsCommandOutput,
} from '@aws-sdk/client-kinesis'

// What the SDK does for each record of a request and of an answer takes longer than all that is done with the record otherwise: it goes by a description of every field, and
// encodes bytes one by one. The two calls that carry thousands of records are written and read here instead, in the middle of what the SDK does for a call.

/** Does the client speak the protocol that is written and read here? Another one is left to the SDK. */
export function speaksJson(client: KinesisClient): boolean {
  // One that only looks like a client may say nothing.
  const { protocol } = (client.config ?? {}) as { readonly protocol?: { readonly getShapeId?: () => string } }
  return protocol?.getShapeId?.() === 'aws.protocols#awsJson1_1'
}

/** Gives the answer of the call when it has been made; `undefined` if it was not answered here. */
export type Answer<T> = () => Omit<T, '$metadata'> | undefined

/** The command writes its records and reads its answer by itself. */
export function putsJson(command: PutRecordsCommand): Answer<PutRecordsCommandOutput> {
  const { middlewareStack } = command
  // As the middleware of the program, if it has some, has left it.
  let input: PutRecordsCommand['input'] = command.input
  middlewareStack.add(
    (next) => (args) => {
      input = args.input
      return next({ ...args, input: { ...input, Records: [] } })
    },
    { name: 'busbarHidesRecords', step: 'serialize', priority: 'high' },
  )
  middlewareStack.add(
    (next) => (args) => {
      ;(args.request as { body?: unknown }).body = bodyOf(input)
      return next(args)
    },
    { name: 'busbarWritesRecords', step: 'serialize', priority: 'low' },
  )
  return answerOf(command, (answer: PutRecordsCommandOutput) => answer)
}

/** The command reads its answer by itself. */
export function getsJson(command: GetRecordsCommand): Answer<GetRecordsCommandOutput> {
  return answerOf(command, ({ Records, ...answer }: JsonPage) => ({ ...answer, Records: Records?.map(recordOf) }))
}

function bodyOf({ Records = [], ...rest }: PutRecordsCommand['input']): Uint8Array {
  let text = `${JSON.stringify(rest).slice(0, -1)},"Records":[`
  for (const [index, { Data, PartitionKey, ExplicitHashKey }] of Records.entries()) {
    text += index === 0 ? '{"Data":"' : ',{"Data":"'
    text += base64Of(Data ?? new Uint8Array())
    text += `","PartitionKey":${JSON.stringify(PartitionKey)}`
    text += ExplicitHashKey === undefined ? '}' : `,"ExplicitHashKey":"${ExplicitHashKey}"}`
  }
  return Buffer.from(`${text}]}`)
}

function base64Of(bytes: Uint8Array): string {
  return (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)).toString('base64')
}

type JsonRecord = Omit<NativeRecord, 'Data' | 'ApproximateArrivalTimestamp'> & { readonly Data?: string; readonly ApproximateArrivalTimestamp?: number }
type JsonPage = Omit<GetRecordsCommandOutput, 'Records'> & { readonly Records?: readonly JsonRecord[] }

/** Times are seconds. */
function recordOf({ SequenceNumber, PartitionKey, Data, ApproximateArrivalTimestamp: seconds, EncryptionType }: JsonRecord): NativeRecord {
  return {
    SequenceNumber,
    PartitionKey,
    Data: Data === undefined ? undefined : Buffer.from(Data, 'base64'),
    ApproximateArrivalTimestamp: seconds === undefined ? undefined : new Date(Math.round(seconds * 1_000)),
    EncryptionType,
  }
}

/** The SDK is given an empty answer in its place. Refusals are left to it. */
function answerOf<T>({ middlewareStack }: PutRecordsCommand | GetRecordsCommand, read: (json: never) => T): () => T | undefined {
  let answer: T | undefined
  ;(middlewareStack as PutRecordsCommand['middlewareStack']).add(
    (next) => async (args) => {
      const result = await next(args)
      const response = result.response as { readonly statusCode: number; body?: unknown }
      if (response.statusCode !== 200) return result
      answer = read(parsed(await textOf(response.body as AsyncIterable<Uint8Array>)) as never)
      response.body = new Uint8Array()
      return result
    },
    { name: 'busbarReadsRecords', step: 'deserialize', priority: 'low' },
  )
  return () => answer
}

/** A server may write `null` for what is absent, or nothing at all, as the SDK knows. */
function parsed(text: string): unknown {
  if (text === '') return {}
  if (!text.includes('null')) return JSON.parse(text)
  return JSON.parse(text, (_, value: unknown) => value ?? undefined) ?? {}
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  if (body instanceof Readable) await collect(body, chunks)
  else for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** By events: the iterator of a stream takes as long as all else that is done with a short answer. */
function collect(body: Readable, chunks: Uint8Array[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const cut = (): void => reject(new Error('the connection was closed in the middle of the answer'))
    if (body.destroyed) return cut()
    body.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    body.on('end', resolve)
    body.on('error', reject)
    // After its end it is too late for this to say anything.
    body.on('close', cut)
  })
}
