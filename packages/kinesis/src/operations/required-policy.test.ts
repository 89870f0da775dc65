import { queue, stream, type BrokerOptions } from '@busbar/core'
import { expect, it } from 'vitest'
import type { Driver, LeaseStore } from '@busbar/core/driver'
import { kinesis } from '../kinesis-driver.ts'
import { requiredPolicy, type RequiredPolicyOptions } from './required-policy.ts'

const store = Object.fromEntries(['claim', 'renew', 'complete', 'release', 'scan', 'save'].map((name) => [name, () => undefined])) as unknown as LeaseStore
const driver = kinesis({ region: 'eu-central-1', store })
const positions = stream('positions')
const tracker = positions.subscription('tracker')
const jobs = queue('jobs')
const account = '123456789012'
const arn = (name: string): string => `arn:aws:kinesis:eu-central-1:${account}:stream/${name}`

/** Actions by resource. */
function actions(options: Partial<RequiredPolicyOptions>, broker: Partial<BrokerOptions> = {}): Record<string, string[]> {
  const { Statement } = requiredPolicy({ driver, destinations: [positions, tracker, jobs], ...broker }, { account, roles: {}, ...options })
  const all: Record<string, string[]> = {}
  for (const { Action, Resource } of Statement) for (const resource of Resource) all[resource] = [...Action]
  return all
}

it('allows to look at every stream, and nothing else without a role', () => {
  const look = ['kinesis:DescribeStreamSummary']
  expect(actions({})).toEqual(Object.fromEntries(['positions', 'positions.tracker.dead', 'jobs', 'jobs.dead'].map((name) => [arn(name), look])))
})

it('allows to send where is sent, and to read where is read, with sending to the dead letters', () => {
  const sending = ['kinesis:DescribeStreamSummary', 'kinesis:ListShards', 'kinesis:PutRecords']
  const reading = ['kinesis:DescribeStreamSummary', 'kinesis:GetRecords', 'kinesis:GetShardIterator', 'kinesis:ListShards']
  expect(actions({ roles: { jobs: ['send'], 'positions.tracker': ['consume'] } })).toMatchObject({
    [arn('jobs')]: sending,
    [arn('jobs.dead')]: ['kinesis:DescribeStreamSummary'],
    [arn('positions')]: reading,
    [arn('positions.tracker.dead')]: sending,
  })
  expect(actions({ roles: { jobs: ['redrive'] } })).toMatchObject({ [arn('jobs')]: sending, [arn('jobs.dead')]: reading })
})

it('names the consumer of enhanced fan-out, and the key', () => {
  const kmsKeyId = `arn:aws:kms:eu-central-1:${account}:key/one`
  const routes = { positions: { options: { fanOut: true, encryption: { kmsKeyId } } } }
  expect(actions({ roles: { 'positions.tracker': ['consume'] } }, { routes })).toMatchObject({
    [`${arn('positions')}/consumer/tracker:*`]: ['kinesis:DescribeStreamConsumer', 'kinesis:SubscribeToShard'],
    [kmsKeyId]: ['kms:Decrypt'],
  })
})

it('allows to look for the consumer of enhanced fan-out where the start does, whoever sends or reads there', () => {
  const routes = { positions: { options: { fanOut: true } } }
  const consumer = `${arn('positions')}/consumer/tracker:*`
  const look = ['kinesis:DescribeStreamConsumer']
  expect(actions({ roles: { positions: ['send'] } }, { routes })).toMatchObject({ [consumer]: look, [arn('positions')]: expect.arrayContaining(look) })
  expect(actions({ provision: 'create' }, { routes })).toMatchObject({ [consumer]: look })
  expect(actions({ provision: 'none' }, { routes })).not.toHaveProperty([consumer])
})

it('allows to read for a subscription that is begun at a position', () => {
  const found = positions.subscription('found', { startFrom: { position: '12' } })
  const reading = ['kinesis:GetRecords', 'kinesis:GetShardIterator']
  const begun = (provision: 'create' | 'verify'): unknown => actions({ provision }, { destinations: [positions, found] })[arn('positions')]
  expect(begun('create')).toEqual(expect.arrayContaining(reading))
  expect(begun('verify')).toEqual(['kinesis:DescribeStreamSummary'])
})

it('allows to create and change what a route asks for, if that is to be done', () => {
  const routes = {
    positions: { options: { fanOut: true, capacity: { shards: 2 }, retentionMs: 172_800_000, encryption: 'aws-managed', maxRecordBytes: 2_097_152 } },
  }
  expect(actions({ provision: 'create' }, { routes })[arn('positions')]).toEqual([
    'kinesis:CreateStream',
    'kinesis:DescribeStreamConsumer',
    'kinesis:DescribeStreamSummary',
    'kinesis:IncreaseStreamRetentionPeriod',
    'kinesis:ListShards',
    'kinesis:RegisterStreamConsumer',
    'kinesis:StartStreamEncryption',
    'kinesis:UpdateMaxRecordSize',
    'kinesis:UpdateShardCount',
    'kinesis:UpdateStreamMode',
  ])
})

it('takes an ARN as it is, and leaves out what is on other drivers', () => {
  const other = 'arn:aws:kinesis:us-east-1:999999999999:stream/theirs'
  const elsewhere = {
    name: 'elsewhere',
    connect: () => Promise.reject(new Error('not asked')),
    capabilities: (endpoint) => driver.capabilities(endpoint),
    address: ({ name }) => name,
  } as Driver
  const routes = { positions: { driver: kinesis({ store }), name: other, deadLetter: { driver: elsewhere } }, jobs: elsewhere }
  expect(Object.keys(actions({ roles: { 'positions.tracker': ['consume'] } }, { routes }))).toEqual([other])
})

it.each<[Partial<RequiredPolicyOptions>, string]>([
  [{ account: '12' }, 'twelve digits'],
  [{ roles: { position: ['send'] } }, "no 'position'; did you mean 'positions'?"],
  [{ roles: { jobs: ['sned' as never] } }, "no role 'sned'; did you mean 'send'?"],
])('refuses %j', (options, text) => {
  expect(() => actions(options)).toThrow(expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.stringContaining(text) }))
})

it('needs a region for streams by name', () => {
  expect(() => actions({}, { driver: kinesis({ store }) })).toThrow('set region')
})
