import { Readable } from 'node:stream'
import { GetRecordsCommand, KinesisClient, ListShardsCommand, PutRecordsCommand, type GetRecordsCommandOutput } from '@aws-sdk/client-kinesis'
import { describe, expect, it } from 'vitest'
import { recordsOf, speaksJson, useRecordsJson } from './records-json.ts'

interface Request {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** A client of the SDK without a network, whose service answers everything so. */
function clientOf(status: number, answer: unknown, requests: Request[] = [], bodyOf = inPieces): KinesisClient {
  const handle = async (request: Request): Promise<unknown> => {
    requests.push(request)
    const body = bodyOf(Buffer.from(JSON.stringify(answer) ?? ''))
    return { response: { statusCode: status, headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': 'r-1' }, body } }
  }
  return new KinesisClient({
    region: 'eu-central-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
    requestHandler: { handle, metadata: { handlerProtocol: 'http/1.1' } } as never,
  })
}

/** As from a connection. */
function inPieces(text: Buffer): AsyncIterable<Uint8Array> {
  return Readable.from([text.subarray(0, 7), text.subarray(7)])
}

/** What a client gives for nothing, and the kind of its bytes, differ. */
function comparable({ Records, ...rest }: Partial<GetRecordsCommandOutput> = {}): unknown {
  const read = Records?.map(({ Data, ...record }) => ({ ...record, Data: Data && Buffer.from(Data) }))
  return { ...rest, Records: read }
}

const put = {
  StreamName: 'positions',
  Records: [
    { Data: Buffer.from('hello'), PartitionKey: 'truck-7' },
    { Data: Buffer.from([0, 255, 128, 61]), PartitionKey: '"\\\u0001 Straße 𝄞', ExplicitHashKey: '340282366920938463463374607431768211455' },
    { Data: new Uint8Array(Buffer.from('a view')).subarray(2), PartitionKey: 'k' },
    { Data: new Uint8Array(), PartitionKey: 'k' },
  ],
}

describe('requests', () => {
  it.each([put, { ...put, StreamName: undefined, StreamARN: 'arn:aws:kinesis:eu-central-1:1:stream/positions' }, { ...put, Records: [] }])(
    'are what the SDK makes of them, signed and counted as they are',
    async (input) => {
      const requests: Request[] = []
      const client = clientOf(200, { FailedRecordCount: 0, Records: [] }, requests)
      const own = new PutRecordsCommand(input)
      useRecordsJson(own)
      await client.send(own)
      await client.send(new PutRecordsCommand(input))
      const [one, other] = requests as [Request, Request]
      const [found, expected] = [one, other].map(({ body }): unknown => JSON.parse(new TextDecoder().decode(body)))
      expect(found).toEqual(expected)
      expect(one.headers['content-length']).toBe(String(one.body.length))
      expect(Object.keys(one.headers).toSorted()).toEqual(Object.keys(other.headers).toSorted())
    },
  )
})

describe('answers', () => {
  const page = {
    Records: [
      {
        SequenceNumber: '4959',
        PartitionKey: 'truck-7',
        Data: Buffer.from('hello').toString('base64'),
        ApproximateArrivalTimestamp: 1767225600.123,
        EncryptionType: 'KMS',
      },
      { SequenceNumber: '4960', Data: '' },
    ],
    NextShardIterator: 'next',
    MillisBehindLatest: 0,
    ChildShards: [{ ShardId: 's-1', ParentShards: ['s-0'], HashKeyRange: { StartingHashKey: '0', EndingHashKey: '1' } }],
  }

  /** As servers write them that know no absent fields. */
  const nulls = { SequenceNumber: '4961', PartitionKey: null, Data: null, ApproximateArrivalTimestamp: null, EncryptionType: null }

  it.each([
    page,
    { ...page, Records: [], NextShardIterator: null, MillisBehindLatest: null, ChildShards: null },
    { Records: [nulls] },
    { Records: null },
    {},
    null,
    undefined,
  ])('to reads are what the SDK makes of them', async (answer) => {
    const client = clientOf(200, answer)
    const own = new GetRecordsCommand({ ShardIterator: 'i' })
    useRecordsJson(own)
    expect(comparable(await client.send(own))).toEqual(comparable(await client.send(new GetRecordsCommand({ ShardIterator: 'i' }))))
  })

  it('to writes are what the SDK makes of them', async () => {
    const Records = [
      { SequenceNumber: '4959', ShardId: 's-0' },
      { ErrorCode: 'ProvisionedThroughputExceededException', ErrorMessage: 'Rate exceeded' },
      { ErrorCode: 'InvalidArgumentException', ErrorMessage: 'the data is too large', SequenceNumber: null, ShardId: null },
    ]
    const client = clientOf(200, { FailedRecordCount: 2, Records, EncryptionType: 'NONE' })
    const own = new PutRecordsCommand(put)
    useRecordsJson(own)
    expect(await client.send(own)).toEqual(await client.send(new PutRecordsCommand(put)))
  })

  it('come as streams of any kind', async () => {
    const web = (text: Buffer): AsyncIterable<Uint8Array> => new Blob([new Uint8Array(text)]).stream()
    const client = clientOf(200, page, [], web)
    const own = new GetRecordsCommand({ ShardIterator: 'i' })
    useRecordsJson(own)
    expect((await client.send(own)).Records).toHaveLength(2)
  })

  it.each([undefined, new Error('reset')])('that end in the middle are errors', async (reason) => {
    const cut = (text: Buffer): AsyncIterable<Uint8Array> => {
      const body = new Readable({ read: () => undefined })
      body.push(text.subarray(0, 7))
      setImmediate(() => body.destroy(reason))
      return body
    }
    const client = clientOf(200, page, [], cut)
    const own = new GetRecordsCommand({ ShardIterator: 'i' })
    useRecordsJson(own)
    await expect(client.send(own)).rejects.toThrow(reason?.message ?? 'closed in the middle')
  })

  it('that refuse are left to the SDK', async () => {
    const client = clientOf(400, { __type: 'ProvisionedThroughputExceededException', message: 'Rate exceeded' })
    const own = new GetRecordsCommand({ ShardIterator: 'i' })
    useRecordsJson(own)
    await expect(client.send(own)).rejects.toMatchObject({ name: 'ProvisionedThroughputExceededException', $metadata: { httpStatusCode: 400 } })
  })
})

describe('a client that carries records', () => {
  /** Answers with the first key of the request, and `first` last. */
  function echo(): KinesisClient {
    const client = clientOf(200, {})
    const { requestHandler } = client.config
    const handle = requestHandler.handle.bind(requestHandler)
    requestHandler.handle = async (request, ...more) => {
      const answer = await handle(request, ...more)
      const { Records: [record] = [] } = JSON.parse(new TextDecoder().decode(request.body as Uint8Array)) as {
        readonly Records?: readonly { readonly PartitionKey: string }[]
      }
      if (record?.PartitionKey === 'first') await new Promise((resolve) => setTimeout(resolve, 20))
      answer.response.body = Readable.from([Buffer.from(JSON.stringify({ EncryptionType: record?.PartitionKey }))])
      return answer
    }
    return client
  }

  it.each([undefined, { abortSignal: new AbortController().signal }])(
    'keeps calls apart that are out at once, and leaves the others alone',
    async (options) => {
      const client = echo()
      client.config.cacheMiddleware = true
      useRecordsJson(client)
      const send = async (key: string): Promise<unknown> => {
        const command = new PutRecordsCommand({ StreamName: 's', Records: [{ Data: Buffer.from(key), PartitionKey: key }] })
        const { EncryptionType } = await (options === undefined ? client.send(command) : client.send(command, options))
        return EncryptionType
      }
      expect(await Promise.all([send('first'), send('second')])).toEqual(['first', 'second'])
      expect(await client.send(new ListShardsCommand({ StreamName: 's' }))).not.toHaveProperty('EncryptionType')
    },
  )

  it('sends what middleware of the program has left, even of a copy, and nothing without its records', async () => {
    const requests: Request[] = []
    const client = clientOf(200, {}, requests)
    useRecordsJson(client)
    let change = (input: typeof put): typeof put => ({ ...input, StreamName: 'other' })
    client.middlewareStack.add((next) => (args) => next({ ...args, input: change(args.input as typeof put) }), { step: 'serialize' })
    await client.send(new PutRecordsCommand(put))
    expect(JSON.parse(new TextDecoder().decode(requests[0]?.body))).toMatchObject({ StreamName: 'other', Records: [{ PartitionKey: 'truck-7' }, {}, {}, {}] })
    change = () => ({ StreamName: 'other', Records: [] })
    await expect(client.send(new PutRecordsCommand(put))).rejects.toThrow('has dropped the records')
    expect(requests).toHaveLength(1)
  })

  it('tells what records a call was given', () => {
    expect(recordsOf(put)).toBe(put.Records)
  })
})

it('is the protocol of the client, and not that of what only looks like one', () => {
  expect(speaksJson(clientOf(200, {}))).toBe(true)
  expect(speaksJson({ send: () => undefined } as unknown as KinesisClient)).toBe(false)
})
