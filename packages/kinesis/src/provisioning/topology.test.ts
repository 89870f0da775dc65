import type { Change, Claim, LeaseStore, Topology } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { endpoint, FakeKinesis, serviceError } from '../test-support/fake-kinesis.ts'

const never = new AbortController().signal
const arn = 'arn:aws:kinesis:eu-central-1:123456789012:stream/positions'

type Stream = Record<string, unknown>

/** A service with at most this stream, which takes two looks to have changed. */
function withStream(stream?: Stream): { readonly fake: FakeKinesis; readonly current: () => Stream | undefined } {
  const fake = new FakeKinesis()
  let current = stream === undefined ? undefined : { StreamStatus: 'ACTIVE', StreamARN: arn, ...stream }
  let looks = 0
  const change = (changed: Stream): void => {
    if (current?.['StreamStatus'] !== 'ACTIVE' && current !== undefined) throw serviceError('ResourceInUseException', 'the stream is changing')
    current = { StreamStatus: 'UPDATING', StreamARN: arn, ...current, ...changed, ...(current !== undefined && { StreamStatus: 'UPDATING' }) }
    looks = 0
  }
  fake.on('DescribeStreamSummary', () => {
    if (current === undefined) throw serviceError('ResourceNotFoundException')
    if (++looks > 1) current = { ...current, StreamStatus: 'ACTIVE' }
    return { StreamDescriptionSummary: current }
  })
  fake.on('CreateStream', ({ StreamModeDetails, ShardCount, MaxRecordSizeInKiB }) =>
    change({ StreamModeDetails, OpenShardCount: ShardCount ?? 4, MaxRecordSizeInKiB }),
  )
  fake.on('UpdateStreamMode', ({ StreamModeDetails }) => change({ StreamModeDetails }))
  fake.on('UpdateShardCount', ({ TargetShardCount }) => change({ OpenShardCount: TargetShardCount }))
  fake.on('IncreaseStreamRetentionPeriod', ({ RetentionPeriodHours }) => change({ RetentionPeriodHours }))
  fake.on('StartStreamEncryption', ({ EncryptionType, KeyId }) => change({ EncryptionType, KeyId }))
  fake.on('UpdateMaxRecordSize', ({ MaxRecordSizeInKiB }) => change({ MaxRecordSizeInKiB }))
  return { fake, current: () => current }
}

async function topologyOf(fake: FakeKinesis): Promise<Topology> {
  const { topology } = await fake.link()
  if (topology === undefined) throw new TypeError('the driver has a topology')
  return topology
}

async function plan(fake: FakeKinesis, options: Record<string, unknown> = {}): Promise<readonly Change[]> {
  return (await topologyOf(fake)).plan([endpoint({ options })], never)
}

async function apply(fake: FakeKinesis, options: Record<string, unknown> = {}): Promise<void> {
  const applying = (await topologyOf(fake)).apply([endpoint({ options })], [], never)
  await fake.clock.advance(60_000)
  await applying
}

const provisioned = { StreamModeDetails: { StreamMode: 'PROVISIONED' }, OpenShardCount: 4 }

describe('a missing stream', () => {
  it.each([
    [{}, 'Create the stream positions, on-demand.', { StreamName: 'positions', StreamModeDetails: { StreamMode: 'ON_DEMAND' } }],
    [
      { capacity: { shards: 3 }, maxRecordBytes: 2_097_152 },
      'Create the stream positions, with 3 shards.',
      { StreamName: 'positions', StreamModeDetails: { StreamMode: 'PROVISIONED' }, ShardCount: 3, MaxRecordSizeInKiB: 2_048 },
    ],
  ])('is created as %j asks for', async (options, text, input) => {
    const { fake, current } = withStream()
    expect(await plan(fake, options)).toEqual([{ resource: 'stream positions', kind: 'create', text, permission: 'kinesis:CreateStream' }])
    await apply(fake, options)
    expect(fake.named('CreateStream').map((call) => call.input)).toEqual([input])
    expect(current()).toMatchObject({ StreamStatus: 'ACTIVE' })
    expect(await plan(fake, options)).toEqual([])
  })

  it('gets its retention and encryption after that, each when the one before is done', async () => {
    const { fake, current } = withStream()
    const options = { capacity: { shards: 2 }, retentionMs: 7 * 86_400_000, encryption: 'aws-managed' }
    await apply(fake, options)
    expect(current()).toMatchObject({ StreamStatus: 'ACTIVE', RetentionPeriodHours: 168, EncryptionType: 'KMS', KeyId: 'alias/aws/kinesis' })
    expect(await plan(fake, options)).toEqual([])
  })

  it('is not created where it is named by its ARN, since that may be the stream of another account', async () => {
    const { fake } = withStream()
    expect(await (await topologyOf(fake)).plan([endpoint({ name: arn })], never)).toMatchObject([{ kind: 'missing', text: expect.stringContaining(arn) }])
  })

  it('may be created by somebody else in the same moment', async () => {
    const { fake } = withStream(provisioned)
    let looks = 0
    const found = { StreamDescriptionSummary: { StreamStatus: 'ACTIVE', StreamARN: arn } }
    fake.on('DescribeStreamSummary', () => {
      if (looks++ === 0) throw serviceError('ResourceNotFoundException')
      return found
    })
    fake.on('CreateStream', () => {
      throw serviceError('ResourceInUseException', 'already exists')
    })
    await apply(fake)
    expect(fake.named('CreateStream')).toHaveLength(1)
  })
})

describe('an existing stream', () => {
  it('is left alone in what a route does not ask for', async () => {
    const { fake } = withStream({ ...provisioned, RetentionPeriodHours: 48, EncryptionType: 'KMS', KeyId: 'theirs', MaxRecordSizeInKiB: 10_240 })
    expect(await plan(fake)).toEqual([])
    await apply(fake)
    expect(new Set(fake.calls.map(({ name }) => name))).toEqual(new Set(['DescribeStreamSummary']))
  })

  it.each([
    [{ capacity: 'on-demand' }, 'kinesis:UpdateStreamMode', { StreamModeDetails: { StreamMode: 'ON_DEMAND' } }],
    [{ capacity: { shards: 8 } }, 'kinesis:UpdateShardCount', { OpenShardCount: 8 }],
    [{ capacity: { shards: 2 } }, 'kinesis:UpdateShardCount', { OpenShardCount: 2 }],
    [{ retentionMs: 172_800_000 }, 'kinesis:IncreaseStreamRetentionPeriod', { RetentionPeriodHours: 48 }],
    [{ encryption: { kmsKeyId: 'alias/mine' } }, 'kinesis:StartStreamEncryption', { EncryptionType: 'KMS', KeyId: 'alias/mine' }],
    [{ maxRecordBytes: 2_097_152 }, 'kinesis:UpdateMaxRecordSize', { MaxRecordSizeInKiB: 2_048 }],
  ])('is changed as %j asks for', async (options, permission, expected) => {
    const { fake, current } = withStream(provisioned)
    expect(await plan(fake, options)).toMatchObject([{ kind: 'update', permission }])
    await apply(fake, options)
    expect(current()).toMatchObject({ ...expected, StreamStatus: 'ACTIVE' })
    expect(await plan(fake, options)).toEqual([])
  })

  it('goes from on-demand to a number of shards in two steps', async () => {
    const { fake, current } = withStream({ StreamModeDetails: { StreamMode: 'ON_DEMAND' }, OpenShardCount: 4 })
    await apply(fake, { capacity: { shards: 5 } })
    expect(current()).toMatchObject({ StreamModeDetails: { StreamMode: 'PROVISIONED' }, OpenShardCount: 5 })
  })

  it.each([
    [{ capacity: { shards: 9 } }, 'in steps'],
    [{ capacity: { shards: 1 } }, 'in steps'],
    [{ retentionMs: 86_400_000 }, 'deletes records'],
  ])('is not changed where Kinesis cannot, or records would be lost: %j', async (options, text) => {
    const { fake, current } = withStream({ ...provisioned, RetentionPeriodHours: 48 })
    const before = current()
    expect(await plan(fake, options)).toMatchObject([{ kind: 'conflict', text: expect.stringContaining(text) }])
    await apply(fake, options)
    expect(current()).toEqual(before)
  })

  it('is encrypted with the same key where the service tells of it by its ARN', async () => {
    const encrypted = (KeyId: string): FakeKinesis => withStream({ ...provisioned, EncryptionType: 'KMS', KeyId }).fake
    const key = { encryption: { kmsKeyId: '11111111-2222-3333-4444-555555555555' } }
    expect(await plan(encrypted('arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555'), key)).toEqual([])
    expect(await plan(encrypted('arn:aws:kms:eu-central-1:123456789012:alias/aws/kinesis'), { encryption: 'aws-managed' })).toEqual([])
    expect(await plan(encrypted('arn:aws:kms:eu-central-1:123456789012:alias/other'), { encryption: 'aws-managed' })).toHaveLength(1)
  })
})

it('is not looked at again for a second by what follows on provisioning, unless it was not ready', async () => {
  for (const [stream, looks] of [
    [provisioned, [1, 2]],
    [{ ...provisioned, StreamStatus: 'CREATING' }, [2, 3]],
  ] as const) {
    const { fake } = withStream(stream)
    const link = await fake.link()
    const counted: number[] = []
    await link.topology?.plan([endpoint()], never)
    await link.inspect(endpoint(), never)
    counted.push(fake.named('DescribeStreamSummary').length)
    await fake.clock.advance(1_000)
    await link.inspect(endpoint(), never)
    counted.push(fake.named('DescribeStreamSummary').length)
    expect(counted).toEqual(looks)
  }
})

it('says who may not look, instead of taking it for a stream that is missing', async () => {
  const { fake } = withStream()
  fake.on('DescribeStreamSummary', () => {
    throw serviceError('AccessDeniedException', 'no')
  })
  await expect(plan(fake)).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED' })
})

it('gives up on a stream that does not get ready, and at once when it is told to', async () => {
  const { fake } = withStream(provisioned)
  fake.on('DescribeStreamSummary', () => ({ StreamDescriptionSummary: { StreamStatus: 'UPDATING' } }))
  const topology = await topologyOf(fake)
  const waiting = expect(topology.apply([endpoint()], [], never)).rejects.toMatchObject({
    code: 'ERR_UNAVAILABLE',
    message: expect.stringContaining('UPDATING'),
  })
  await fake.clock.advance(601_000)
  await waiting
  const abort = new AbortController()
  const aborted = expect(topology.apply([endpoint()], [], abort.signal)).rejects.toMatchObject({ name: 'AbortError' })
  await fake.clock.advance(1_000)
  abort.abort()
  await aborted
})

it('waits until it is written where a subscription begins, also where that was left to a process that has died over it', async () => {
  const { fake } = withStream(provisioned)
  const written: string[] = []
  const answers = (call: string): unknown => {
    if (call === 'claim') return fake.clock.monotonic() < 9_000 ? { state: 'busy', expiresInMs: 1_000 } : { state: 'claimed', fence: 2 }
    return 'completed'
  }
  const store = Object.fromEntries(['claim', 'renew', 'release', 'scan', 'save'].map((call) => [call, () => answers(call)]))
  const complete = (_claim: Claim, value: string): unknown => {
    written.push(value)
    return answers('complete')
  }
  const { topology } = await fake.link({ store: { ...store, complete } as unknown as LeaseStore })
  let done = false
  const applying = topology?.apply([endpoint({ subscription: { name: 'tracker' } })], [], never).then(() => (done = true))
  await fake.clock.advance(8_000)
  expect([done, written]).toEqual([false, []])
  await fake.clock.advance(4_000)
  await applying
  expect(written).toEqual([expect.stringContaining('"from":"latest"')])
})
