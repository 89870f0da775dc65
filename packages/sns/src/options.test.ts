import type { SNSClient } from '@aws-sdk/client-sns'
import type { SQSClient } from '@aws-sdk/client-sqs'
import { expect, it } from 'vitest'
import { optionsFromConfiguration, optionsFromUrl, resolveOptions, type SnsOptions } from './options.ts'

const client = {} as SNSClient
const queueClient = {} as SQSClient

it('gives the driver of the queues what concerns it', () => {
  expect(resolveOptions({ region: 'eu-central-1', endpoint: 'http://localhost:4566', waitTimeMs: 1_000, accountId: '123456789012' })).toMatchObject({
    accountId: '123456789012',
    endpoint: 'http://localhost:4566/',
    queues: { region: 'eu-central-1', endpoint: 'http://localhost:4566/', waitTimeMs: 1_000, visibilityTimeoutMs: 30_000 },
  })
  expect(resolveOptions({ endpoint: 'https://sns.example.com', queueEndpoint: 'https://sqs.example.com' }).queues).toMatchObject({
    endpoint: 'https://sqs.example.com/',
  })
  const clients = resolveOptions({ client, queueClient, pollingClient: queueClient })
  expect(clients.queues).toMatchObject({ client: queueClient, pollingClient: queueClient })
  expect(clients.queues).not.toHaveProperty('region')
})

it.each([
  [{ regin: 'x' }, "unknown option 'regin'; did you mean 'region'?"],
  [{ maxMessageBytes: 1_024 }, "unknown option 'maxMessageBytes'"],
  [{ accountId: '1234' }, 'twelve digits'],
  [{ region: 'EU Central' }, "'region'"],
  [{ endpoint: 'http://sns.example.com' }, 'clear text'],
  [{ queueEndpoint: 'ftp://sqs.example.com' }, "'queueEndpoint'"],
  [{ endpoint: 'https://user:secret@example.com' }, 'no credentials'],
  [{ waitTimeMs: 1_500 }, 'multiple of 1,000'],
  [{ timeoutMs: 1 }, 'from 100'],
  [{ client }, 'go together'],
  [{ queueClient }, 'go together'],
  [{ pollingClient: queueClient }, 'queueClient'],
  [{ client, queueClient, region: 'eu-central-1' }, 'belongs to the client'],
])('refuses %j', (options, problem) => {
  const error = failure(() => resolveOptions(options as SnsOptions))
  expect(error).toMatchObject({ code: 'ERR_CONFIGURATION', driver: 'sns', message: expect.stringContaining(problem) })
  expect(error).not.toMatchObject({ message: expect.stringContaining('secret') })
})

it('reads a URL whose host is the region', () => {
  expect(
    optionsFromUrl(new URL('sns://eu-central-1?accountId=123456789012&waitTimeMs=1000&endpoint=http://localhost:4566&queueEndpoint=http://localhost:1')),
  ).toEqual({
    region: 'eu-central-1',
    accountId: '123456789012',
    waitTimeMs: 1_000,
    endpoint: 'http://localhost:4566',
    queueEndpoint: 'http://localhost:1',
  })
  expect(optionsFromUrl(new URL('sns:'))).toEqual({})
})

it.each([
  ['sns://key:secret@eu-central-1', 'credentials'],
  ['sns://eu-central-1/topic', 'form'],
  ['sns://eu-central-1?acountId=1', "did you mean 'accountId'?"],
])('refuses the URL %s', (url, problem) => {
  expect(failure(() => optionsFromUrl(new URL(url)))).toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringContaining(problem) })
})

it('takes nothing but data from configuration', () => {
  expect(optionsFromConfiguration({ region: 'eu-central-1' })).toEqual({ region: 'eu-central-1' })
  for (const name of ['client', 'queueClient', 'pollingClient', 'credentials', 'cloudWatch'])
    expect(failure(() => optionsFromConfiguration({ [name]: {} }))).toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringContaining(name) })
})

function failure(act: () => unknown): unknown {
  try {
    return act()
  } catch (error) {
    return error
  }
}
