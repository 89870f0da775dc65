import { ReceiveMessageCommand, SendMessageBatchCommand, SendMessageCommand, type MessageAttributeValue } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { refusal, startBed, type Bed } from './test-support/bed.ts'

let bed: Bed
let url = ''

beforeAll(async () => {
  bed = await startBed()
  url = await bed.queue('messages')
})

afterAll(() => bed[Symbol.asyncDispose]())

const text = (value: string, label = 'String'): MessageAttributeValue => ({ DataType: label, StringValue: value })
const recorded = new TextEncoder().encode('traceparent\u001E00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01')

describe('digests', () => {
  it.each<[string, Record<string, MessageAttributeValue>, string]>([
    ['recorded, String', { MyAttribute: text('foobar') }, 'adb59cd4678ea5a855436b949cd07ab6'],
    ['recorded, Binary', { attr1: { DataType: 'Binary', BinaryValue: recorded } }, '8cbe4db156db8a94db8b801b7addb984'],
    ['one String', { a: text('x') }, 'a512aac9938034acb0b3c3d965944bf1'],
    [
      'String, Number with a label and Binary',
      { tenant: text('acme'), n: text('42', 'Number.int'), blob: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 1, 255) } },
      '16d429f002f725850a67471e164f36a5',
    ],
  ])('of attributes: %s', async (_, MessageAttributes, digest) => {
    const own = await bed.queue(`digest-${digest}`)
    const sent = await bed.sqs.send(new SendMessageCommand({ QueueUrl: own, MessageBody: 'test', MessageAttributes }))
    expect(sent).toMatchObject({ MD5OfMessageBody: '098f6bcd4621d373cade4e832627b4f6', MD5OfMessageAttributes: digest })
    const [received] = await bed.receive(own, { MessageAttributeNames: ['All'] })
    expect(received).toMatchObject({ MD5OfBody: '098f6bcd4621d373cade4e832627b4f6', MD5OfMessageAttributes: digest })
    expect(received?.MessageAttributes).toEqual(MessageAttributes)
  })

  it('on receive cover only the attributes that were asked for', async () => {
    const own = await bed.queue('digest-part')
    await bed.send(own, 'test', { MessageAttributes: { a: text('x'), b: text('y'), 'p.one': text('z') } })
    const [one] = await bed.receive(own, { MessageAttributeNames: ['a'], VisibilityTimeout: 0 })
    expect(one?.MD5OfMessageAttributes).toBe('a512aac9938034acb0b3c3d965944bf1')
    const [prefixed] = await bed.receive(own, { MessageAttributeNames: ['p.*'], VisibilityTimeout: 0 })
    expect(Object.keys(prefixed?.MessageAttributes ?? {})).toEqual(['p.one'])
    const [none] = await bed.receive(own, { MessageSystemAttributeNames: [], VisibilityTimeout: 0 })
    expect(none).toMatchObject({ Body: 'test' })
    expect(none).not.toHaveProperty('MessageAttributes')
    expect(none).not.toHaveProperty('MD5OfMessageAttributes')
    expect(none).not.toHaveProperty('Attributes')
  })
})

describe('what comes back', () => {
  it('is undefined where there is nothing', async () => {
    const own = await bed.queue('nothing')
    expect((await bed.sqs.send(new ReceiveMessageCommand({ QueueUrl: own }))).Messages).toBeUndefined()
    const sent = await bed.sqs.send(new SendMessageBatchCommand({ QueueUrl: own, Entries: [{ Id: '1', MessageBody: 'a' }] }))
    expect(sent.Successful).toHaveLength(1)
    expect(sent.Failed).toBeUndefined()
  })

  it('has the system attributes of a standard queue', async () => {
    const own = await bed.queue('system')
    const at = bed.clock.now()
    await bed.send(own, 'a', {
      MessageGroupId: 'tenant',
      MessageSystemAttributes: { AWSTraceHeader: text('Root=1-5759e988-bd862e3fe1be46a994272793') },
    })
    await bed.clock.advance(1_500)
    const [message] = await bed.receive(own)
    expect(message?.Attributes).toEqual({
      SenderId: bed.wire.credentials.accessKeyId,
      SentTimestamp: String(at),
      ApproximateReceiveCount: '1',
      ApproximateFirstReceiveTimestamp: String(at + 1_500),
      MessageGroupId: 'tenant',
      AWSTraceHeader: 'Root=1-5759e988-bd862e3fe1be46a994272793',
    })
    expect(message?.MessageId).toMatch(/^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/)
  })

  it('refuses names that it does not know', async () => {
    expect(await refusal(bed.receive(url, { MessageSystemAttributeNames: ['Nonsense' as 'All'] }))).toMatchObject({ name: 'InvalidAttributeName' })
  })
})

describe('size', () => {
  it('counts body, names, whole types and values, and takes exactly the limit', async () => {
    const own = await bed.queue('small', { MaximumMessageSize: '1024' })
    // 42 bytes of attributes, as computed in the reference.
    const MessageAttributes = { tenant: text('acme'), n: text('42', 'Number.int'), blob: { DataType: 'Binary', BinaryValue: Uint8Array.of(0, 1, 255) } }
    await bed.send(own, 'x'.repeat(1_024 - 42), { MessageAttributes })
    // The trace header does not count.
    await bed.send(own, 'x'.repeat(1_024 - 42), { MessageAttributes, MessageSystemAttributes: { AWSTraceHeader: text('Root=1') } })
    expect(await refusal(bed.send(own, 'x'.repeat(1_025 - 42), { MessageAttributes }))).toEqual({
      name: 'InvalidParameterValue',
      code: 'InvalidParameterValue',
      status: 400,
      message: 'One or more parameters are invalid. Reason: Message must be shorter than 1024 bytes.',
    })
    await bed.send(own, 'é'.repeat(512))
    expect(await refusal(bed.send(own, `${'é'.repeat(512)}x`))).toMatchObject({ name: 'InvalidParameterValue' })
  })

  it('of one entry fails it alone, of a batch the request', async () => {
    const own = await bed.queue('small-batch', { MaximumMessageSize: '1024' })
    const entries = ['ok', 'x'.repeat(1_025), 'also ok'].map((MessageBody, index) => ({ Id: `e${index}`, MessageBody }))
    const part = await bed.sqs.send(new SendMessageBatchCommand({ QueueUrl: own, Entries: entries }))
    expect(part.Successful?.map(({ Id }) => Id)).toEqual(['e0', 'e2'])
    expect(part.Failed).toMatchObject([{ Id: 'e1', Code: 'InvalidParameterValue', SenderFault: true }])
    const half = (bytes: number): { Id: string; MessageBody: string }[] => ['a', 'b'].map((Id) => ({ Id, MessageBody: 'x'.repeat(bytes) }))
    await bed.sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: half(524_288) }))
    expect(
      await refusal(bed.sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: [...half(524_288), { Id: 'c', MessageBody: 'x' }] }))),
    ).toMatchObject({
      name: 'BatchRequestTooLong',
      code: 'AWS.SimpleQueueService.BatchRequestTooLong',
    })
  })
})

describe('content', () => {
  it.each(['\u{10000}', '😀 \u{10FFFF}', '\t\n\r', '\uD7FF\uE000\uFFFD'])('takes %j', async (body) => {
    const own = await bed.queue(`characters-${Buffer.from(body).toString('hex')}`)
    await bed.send(own, body)
    expect((await bed.receive(own))[0]?.Body).toBe(body)
  })

  it.each(['\0', '\u001F', '\uFFFE', '\uFFFF', 'a\uD800b'])('refuses %j', async (body) => {
    expect(await refusal(bed.send(url, body))).toMatchObject({ name: 'InvalidMessageContents', code: 'InvalidMessageContents', status: 400 })
    const sent = await bed.sqs.send(
      new SendMessageBatchCommand({
        QueueUrl: url,
        Entries: [
          { Id: 'bad', MessageBody: body },
          { Id: 'good', MessageBody: 'good' },
        ],
      }),
    )
    expect(sent.Failed).toMatchObject([{ Id: 'bad', Code: 'InvalidMessageContents', SenderFault: true }])
    expect(sent.Successful).toMatchObject([{ Id: 'good' }])
  })

  it('refuses an empty body', async () => {
    expect(await refusal(bed.send(url, ''))).toMatchObject({ name: 'MissingParameter' })
  })

  it.each<[string, Record<string, MessageAttributeValue>]>([
    ['eleven', Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`a${index}`, text('x')]))],
    ['an empty value', { a: text('') }],
    ['a reserved name', { 'AWS.a': text('x') }],
    ['a reserved name in another case', { 'amazon.a': text('x') }],
    ['two dots', { 'a..b': text('x') }],
    ['a dot at the end', { 'a.': text('x') }],
    ['a space', { 'a b': text('x') }],
    ['a long name', { ['a'.repeat(257)]: text('x') }],
    ['an unknown type', { a: text('x', 'Text') }],
    ['a type in another case', { a: text('x', 'string') }],
    ['no number', { a: text('x', 'Number') }],
    ['39 digits', { a: text('1'.repeat(39), 'Number') }],
    ['an empty Binary', { a: { DataType: 'Binary', BinaryValue: new Uint8Array() } }],
  ])('refuses attributes: %s', async (_, MessageAttributes) => {
    expect(await refusal(bed.send(url, 'a', { MessageAttributes }))).toMatchObject({ name: 'InvalidParameterValue' })
  })

  it('takes ten attributes', async () => {
    await bed.send(url, 'a', { MessageAttributes: Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`a${index}`, text('1.5e3', 'Number')])) })
  })
})

describe('batches', () => {
  const send = (ids: string[]): Promise<unknown> =>
    bed.sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: ids.map((Id) => ({ Id, MessageBody: 'x' })) }))

  it.each<[string, string[]]>([
    ['EmptyBatchRequest', []],
    ['TooManyEntriesInBatchRequest', Array.from({ length: 11 }, (_, index) => `${index}`)],
    ['BatchEntryIdsNotDistinct', ['a', 'b', 'a']],
    ['InvalidBatchEntryId', ['a b']],
    ['InvalidBatchEntryId', ['a'.repeat(81)]],
  ])('fail as a whole: %s', async (name, ids) => {
    expect(await refusal(send(ids))).toMatchObject({ name, code: `AWS.SimpleQueueService.${name}`, status: 400 })
  })

  it('take ten entries', async () => {
    await send(Array.from({ length: 10 }, (_, index) => `${index}`.padStart(80, 'a')))
  })
})

describe('delay', () => {
  it('of a message goes before that of the queue, also if it is 0', async () => {
    const own = await bed.queue('delayed', { DelaySeconds: '5' })
    await bed.send(own, 'default')
    await bed.send(own, 'none', { DelaySeconds: 0 })
    await bed.send(own, 'ten', { DelaySeconds: 10 })
    expect(await bed.attribute(own, 'ApproximateNumberOfMessagesDelayed')).toBe('2')
    expect((await bed.receive(own)).map(({ Body }) => Body)).toEqual(['none'])
    await bed.clock.advance(5_000)
    const [message] = await bed.receive(own)
    expect(message).toMatchObject({ Body: 'default', Attributes: { ApproximateReceiveCount: '1' } })
    await bed.clock.advance(4_999)
    expect(await bed.receive(own)).toEqual([])
    await bed.clock.advance(1)
    expect((await bed.receive(own)).map(({ Body }) => Body)).toEqual(['ten'])
  })

  it.each([-1, 901])('of %i s is refused', async (DelaySeconds) => {
    expect(await refusal(bed.send(url, 'a', { DelaySeconds }))).toMatchObject({ name: 'InvalidParameterValue' })
  })

  it('refuses a deduplication id on a standard queue', async () => {
    expect(await refusal(bed.send(url, 'a', { MessageDeduplicationId: 'x' }))).toMatchObject({ name: 'InvalidParameterValue' })
  })
})

describe('tenants of a fair queue', () => {
  it('who hold much of what is in flight wait for the others', async () => {
    const own = await bed.queue('fair')
    for (let number = 0; number < 40; number++) await bed.send(own, `noisy ${number}`, { MessageGroupId: 'noisy' })
    await bed.send(own, 'quiet', { MessageGroupId: 'quiet' })
    for (let round = 0; round < 3; round++) expect(await bed.receive(own)).toHaveLength(10)
    const next = (await bed.receive(own, { MaxNumberOfMessages: 2 })).map(({ Body }) => Body)
    expect(next).toEqual(['quiet', 'noisy 30'])
  })
})
