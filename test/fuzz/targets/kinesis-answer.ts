import { isDeepStrictEqual } from 'node:util'
import { GetRecordsCommand, KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis'
import { toBrokerError, useRecordsJson } from '@busbar/kinesis/decoders'
import { expected } from '../checks.ts'
import { jsonLike } from '../inputs.ts'
import { target, withCode } from '../target.ts'

type Json = Readonly<Record<string, unknown>>

const page = {
  Records: [
    { SequenceNumber: '4959', PartitionKey: 'truck-7', Data: 'aGVsbG8=', ApproximateArrivalTimestamp: 1_767_225_600.123, EncryptionType: 'KMS' },
    { SequenceNumber: '4960', PartitionKey: 'truck-8', Data: '', EncryptionType: null },
  ],
  NextShardIterator: 'next',
  MillisBehindLatest: 0,
  ChildShards: [{ ShardId: 's-1', ParentShards: ['s-0'], HashKeyRange: { StartingHashKey: '0', EndingHashKey: '1' } }],
}
const stored = {
  FailedRecordCount: 1,
  Records: [
    { SequenceNumber: '4959', ShardId: 's-0', ErrorCode: null, ErrorMessage: null },
    { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded', SequenceNumber: null },
  ],
  EncryptionType: 'NONE',
}

const calls = {
  GetRecords: {
    answers: jsonLike([page]),
    ours: (client: KinesisClient) => {
      const command = new GetRecordsCommand({ ShardIterator: 'i' })
      useRecordsJson(command)
      return client.send(command)
    },
    sdk: (client: KinesisClient) => client.send(new GetRecordsCommand({ ShardIterator: 'i' })),
  },
  PutRecords: {
    answers: jsonLike([stored]),
    ours: (client: KinesisClient) => {
      const command = new PutRecordsCommand({ StreamName: 's', Records: [] })
      useRecordsJson(command)
      return client.send(command)
    },
    sdk: (client: KinesisClient) => client.send(new PutRecordsCommand({ StreamName: 's', Records: [] })),
  },
} as const

/** What the service answers now, to a client that has no network. */
let answer = ''
const client = new KinesisClient({
  region: 'eu-central-1',
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  maxAttempts: 1,
  requestHandler: {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async () => ({
      response: { statusCode: 200, headers: { 'content-type': 'application/x-amz-json-1.1' }, body: new Blob([answer]).stream() },
    }),
  } as never,
})

/** The answers that are read here, and not by the SDK: where it makes something of the declared types of them, that has to be the same. */
export const kinesisAnswerTargets = [
  target({
    name: 'kinesis-answer',
    generate: (draw) => {
      const call = draw.pick(['GetRecords', 'PutRecords'] as const)
      return { call, text: calls[call].answers(draw) }
    },
    decode: async ({ call, text }) => {
      answer = text
      const sdk = fieldsOf(await calls[call].sdk(client).catch(() => undefined), shapes[call])
      if (sdk === undefined) {
        await calls[call].ours(client).catch((error: unknown) => {
          throw toBrokerError(error, 'Reading')
        })
        return undefined
      }
      // Of a number or a text no field is read either.
      return { sdk, ours: fieldsOf(Object(await calls[call].ours(client)), shapes[call]) }
    },
    problem: (both) => both && expected(isDeepStrictEqual(both.ours, both.sdk), 'the SDK makes something else of it', JSON.stringify(both)),
    mayThrow: withCode('ERR_UNAVAILABLE'),
  }),
]

/** Fields that the driver reads, and what they are declared to be. */
type Shape = { readonly [field: string]: 'text' | 'number' | 'bytes' | 'time' | readonly [Shape] | readonly ['text'] }

const shapes: Readonly<Record<keyof typeof calls, Shape>> = {
  GetRecords: {
    Records: [{ SequenceNumber: 'text', PartitionKey: 'text', Data: 'bytes', ApproximateArrivalTimestamp: 'time', EncryptionType: 'text' }],
    NextShardIterator: 'text',
    MillisBehindLatest: 'number',
    ChildShards: [{ ShardId: 'text', ParentShards: ['text'] }],
  },
  PutRecords: { Records: [{ SequenceNumber: 'text', ShardId: 'text', ErrorCode: 'text', ErrorMessage: 'text' }] },
}

/** The fields of the shape, in terms that can be compared; `undefined` where one is not what it is declared to be. */
function fieldsOf(value: unknown, shape: Shape): Json | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fields: Record<string, unknown> = {}
  for (const [name, kind] of Object.entries(shape)) {
    const field = (value as Json)[name]
    if (field === undefined) continue
    fields[name] = comparable(field, kind)
    if (fields[name] === undefined) return undefined
  }
  return fields
}

function comparable(field: unknown, kind: Shape[string]): unknown {
  if (Array.isArray(kind)) {
    if (!Array.isArray(field)) return undefined
    const [of] = kind as readonly [Shape | 'text']
    const items = Array.from(field as unknown[], (item) => (of === 'text' ? comparable(item, of) : fieldsOf(item, of)))
    return items.includes(undefined) ? undefined : items
  }
  if (kind === 'bytes') return field instanceof Uint8Array ? Buffer.from(field).toString('hex') : undefined
  if (kind === 'time') return field instanceof Date ? field.getTime() : undefined
  return (kind === 'text' ? typeof field === 'string' : Number.isFinite(field)) ? field : undefined
}
