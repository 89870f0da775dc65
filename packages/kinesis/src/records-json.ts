import { Readable } from 'node:stream'
import type { _Record as NativeRecord, GetRecordsCommandOutput, KinesisClient, PutRecordsCommand, PutRecordsCommandOutput } from '@aws-sdk/client-kinesis'

// What the SDK does for each record of a request and of an answer takes longer than all that is done with the record otherwise: it goes by a description of every field, and
// encodes bytes one by one. The two calls that carry thousands of records are written and read here instead, in the middle of what the SDK does for a call.

/** Does the client speak the protocol that is written and read here? Another one is left to the SDK. */
export function speaksJson(client: KinesisClient): boolean {
  // One that only looks like a client may say nothing.
  const { protocol } = (client.config ?? {}) as { readonly protocol?: { readonly getShapeId?: () => string } }
  return protocol?.getShapeId?.() === 'aws.protocols#awsJson1_1'
}

/** A part of what the SDK makes of a call. The types of its own name a command. */
type Step = (args: Args) => Promise<Result>

interface Args {
  readonly input: Input
  readonly request: unknown
}

type Input = PutRecordsCommand['input'] & { readonly [hidden]?: PutRecordsCommand['input']['Records'] }

interface Result {
  readonly response: unknown
  readonly output: object
}

interface Stack {
  add(step: (next: Step, context: { readonly commandName?: string }) => Step, options: object): void
}

/** Where the records of a request are while the SDK must not see them. Middleware of the program that copies the input takes it along. */
const hidden: unique symbol = Symbol('records')

/** What the two calls are answered, and how that is read. */
const readers: Readonly<Record<string, (json: never) => object>> = {
  PutRecordsCommand: (answer: PutRecordsCommandOutput) => answer,
  GetRecordsCommand: ({ Records, ...answer }: JsonPage) => ({ ...answer, Records: Records?.map(recordOf) }),
}

/** Records are written, and answers that hold some are read here: of all calls of a client that speaks JSON, or of one command. */
export function useRecordsJson({ middlewareStack }: { readonly middlewareStack: unknown }): void {
  const stack = middlewareStack as Stack
  const answers = new WeakMap<object, object>()
  const ofPuts =
    (step: (next: Step) => Step) =>
    (next: Step, { commandName = '' }): Step =>
      commandName === 'PutRecordsCommand' ? step(next) : next
  stack.add(ofPuts(hideRecords), { name: 'busbarHidesRecords', step: 'serialize', priority: 'high' })
  stack.add(ofPuts(writeRecords), { name: 'busbarWritesRecords', step: 'serialize', priority: 'low' })
  stack.add(
    (next, { commandName = '' }) => {
      const read = readers[commandName]
      return read === undefined ? next : readAnswer(next, read, answers)
    },
    { name: 'busbarReadsRecords', step: 'deserialize', priority: 'low' },
  )
  stack.add((next, { commandName = '' }) => (readers[commandName] === undefined ? next : giveAnswer(next, answers)), {
    name: 'busbarGivesRecords',
    step: 'deserialize',
    priority: 'high',
  })
}

/** Those that a call was given, wherever in the SDK its input is looked at. */
export function recordsOf(input: object): PutRecordsCommand['input']['Records'] {
  const { [hidden]: records, Records } = input as Input
  return records ?? Records
}

function hideRecords(next: Step): Step {
  return (args) => next({ ...args, input: { ...args.input, Records: [], [hidden]: args.input.Records } })
}

function writeRecords(next: Step): Step {
  return (args) => {
    ;(args.request as { body?: unknown }).body = bodyOf(args.input)
    return next(args)
  }
}

/** The SDK is given an empty answer in its place. Refusals are left to it. */
function readAnswer(next: Step, read: (json: never) => object, answers: WeakMap<object, object>): Step {
  return async (args) => {
    const result = await next(args)
    const response = result.response as { readonly statusCode: number; body?: unknown }
    if (response.statusCode !== 200) return result
    answers.set(response, read(parsed(await textOf(response.body as AsyncIterable<Uint8Array>)) as never))
    response.body = new Uint8Array()
    return result
  }
}

function giveAnswer(next: Step, answers: WeakMap<object, object>): Step {
  return async (args) => {
    const result = await next(args)
    return { ...result, output: { ...result.output, ...answers.get(result.response as object) } }
  }
}

function bodyOf(input: Input): Uint8Array {
  const { [hidden]: records } = input
  if (records === undefined) throw new Error('middleware of the client has dropped the records of the request')
  let text = `${JSON.stringify({ ...input, Records: undefined }).slice(0, -1)},"Records":[`
  for (const [index, { Data, PartitionKey, ExplicitHashKey }] of records.entries()) {
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
    // An error that nobody needs costs as much as parsing a short answer.
    const cut = (): void => (body.readableEnded ? undefined : reject(new Error('the connection was closed in the middle of the answer')))
    if (body.destroyed) return cut()
    body.on('data', (chunk: Uint8Array) => chunks.push(chunk))
    body.on('end', resolve)
    body.on('error', reject)
    body.on('close', cut)
  })
}
