import type { SNSClient } from '@aws-sdk/client-sns'
import { systemClock } from '@busbar/core'
import { queueOf } from '@busbar/sqs/shared'
import { expect, it } from 'vitest'
import { Arns } from './arns.ts'
import { topicOf } from './names.ts'

function client(region: string, accountId?: string): SNSClient {
  return { config: { region: async () => region, credentials: async () => ({ accountId }) } } as unknown as SNSClient
}

function arnsOf(asked: SNSClient, accountId?: string): Arns {
  return new Arns(asked, accountId, systemClock, 100)
}

const topic = topicOf('orders', false)

it('takes the account from the options, or else from the credentials', async () => {
  expect(await arnsOf(client('eu-central-1', '222222222222'), '111111111111').topic(topic)).toBe('arn:aws:sns:eu-central-1:111111111111:orders')
  expect(await arnsOf(client('eu-central-1', '222222222222')).topic(topic)).toBe('arn:aws:sns:eu-central-1:222222222222:orders')
})

it('says how to tell the account where nothing does', async () => {
  await expect(arnsOf(client('eu-central-1')).topic(topic)).rejects.toMatchObject({
    code: 'ERR_CONFIGURATION',
    message: expect.stringMatching(/accountId.*AWS_ACCOUNT_ID.*ARN/),
  })
})

it('needs no account for what a route names by ARN', async () => {
  const arn = 'arn:aws:sns:eu-west-1:333333333333:orders'
  const arns = arnsOf(client('eu-west-1'))
  expect(await arns.topic(topicOf(arn, false))).toBe(arn)
  expect(await arns.queue(queueOf('bills', false), arn)).toBe('arn:aws:sqs:eu-west-1:333333333333:bills')
  expect(await arns.queue(queueOf('arn:aws:sqs:eu-north-1:444444444444:bills', false), arn)).toBe('arn:aws:sqs:eu-north-1:444444444444:bills')
})

it.each([
  ['cn-north-1', 'aws-cn'],
  ['us-gov-west-1', 'aws-us-gov'],
  ['us-iso-east-1', 'aws-iso'],
  ['us-isob-east-1', 'aws-iso-b'],
  ['eusc-de-east-1', 'aws-eusc'],
  ['us-east-1', 'aws'],
])('knows the partition of %s', async (region, partition) => {
  expect(await arnsOf(client(region), '111111111111').topic(topic)).toBe(`arn:${partition}:sns:${region}:111111111111:orders`)
})

it('asks credentials for the account until they have told it, waits for them in bounded time, and maps their errors', async () => {
  const answers = [
    () => new Promise<{ accountId: string }>(() => undefined),
    () => Promise.reject(Object.assign(new Error('away'), { name: 'CredentialsProviderError' })),
    () => Promise.resolve({ accountId: '222222222222' }),
    () => new Promise<{ accountId: string }>(() => undefined),
  ]
  const config = { region: async () => 'eu-central-1', credentials: () => answers.shift()?.() }
  const arns = arnsOf({ config } as unknown as SNSClient)
  await expect(arns.topic(topic)).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE', retryable: true, driver: 'sns' })
  await expect(arns.topic(topic)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', driver: 'sns' })
  for (let times = 0; times < 3; times++) expect(await arns.topic(topic)).toBe('arn:aws:sns:eu-central-1:222222222222:orders')
  expect(answers).toHaveLength(1)
})
