import { SQSClient } from '@aws-sdk/client-sqs'
import { expect, it } from 'vitest'
import { optionsFromUrl, resolveOptions, type SqsOptions } from './options.ts'
import { sqs } from './sqs-driver.ts'
import { FakeSqs } from './test-support/fake-sqs.ts'

it('has the defaults that it says', () => {
  expect(resolveOptions({})).toEqual({
    region: undefined,
    endpoint: undefined,
    allowPlaintext: false,
    credentials: undefined,
    client: undefined,
    pollingClient: undefined,
    visibilityTimeoutMs: 30_000,
    waitTimeMs: 20_000,
    maxPollers: 5,
    timeoutMs: 10_000,
    retryMaxMs: 10_000,
    maxMessageBytes: 1_048_576,
  })
})

it.each<[object, string]>([
  [{ regoin: 'eu-central-1' }, "unknown option 'regoin'; did you mean 'region'?"],
  [{ region: 'eu central' }, "'region'"],
  [{ endpoint: 'nowhere' }, "'endpoint'"],
  [{ endpoint: 'http://sqs.example.com' }, 'clear text'],
  [{ endpoint: 'https://user:geheim@sqs.example.com' }, 'no credentials'],
  [{ visibilityTimeoutMs: 1_500 }, 'multiple of 1,000'],
  [{ visibilityTimeoutMs: 43_201_000 }, "'visibilityTimeoutMs'"],
  [{ waitTimeMs: 0 }, "'waitTimeMs'"],
  [{ waitTimeMs: 21_000 }, "'waitTimeMs'"],
  [{ maxPollers: 0 }, "'maxPollers'"],
  [{ maxMessageBytes: 1_048_577 }, "'maxMessageBytes'"],
  [{ allowPlaintext: 'yes' }, "'allowPlaintext'"],
  [{ pollingClient: new FakeSqs().client }, "needs the option 'client'"],
  [{ client: new FakeSqs().client, region: 'eu-central-1' }, 'belongs to the client'],
])('refuses %j', (options, text) => {
  expect(() => resolveOptions(options as SqsOptions)).toThrow(expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.stringContaining(text) }))
})

it('takes http for this machine, and elsewhere only if that is asked for', () => {
  for (const endpoint of ['http://127.0.0.1:4566', 'http://localhost:4566', 'http://[::1]:4566', 'http://sqs.eu-west-1.localhost:4566'])
    expect(resolveOptions({ endpoint }).endpoint).toContain('http://')
  expect(resolveOptions({ endpoint: 'http://queue.internal', allowPlaintext: true }).endpoint).toBe('http://queue.internal/')
})

it('reads options from a URL', () => {
  expect(optionsFromUrl(new URL('sqs:'))).toEqual({})
  expect(optionsFromUrl(new URL('sqs://eu-central-1?waitTimeMs=10000&endpoint=http%3A%2F%2Flocalhost%3A4566&allowPlaintext'))).toEqual({
    region: 'eu-central-1',
    waitTimeMs: 10_000,
    endpoint: 'http://localhost:4566',
    allowPlaintext: true,
  })
})

it.each([
  ['sqs://eu-central-1?waitTime=1', "unknown parameter 'waitTime'; did you mean 'waitTimeMs'?"],
  ['sqs://key:geheim@eu-central-1', 'credentials'],
  ['sqs://eu-central-1/orders', 'routes'],
])('refuses the URL %s without showing secrets', (url, text) => {
  let message = ''
  try {
    sqs.fromUrl(new URL(url))
  } catch (error) {
    message = (error as Error).message
  }
  expect(message).toContain(text)
  expect(message).not.toContain('geheim')
})

it('takes neither clients nor credentials from a configuration', () => {
  for (const name of ['client', 'pollingClient', 'credentials'])
    expect(() => sqs.fromConfiguration({ [name]: {} })).toThrow(`option '${name}' is for code only`)
  expect(sqs.fromConfiguration({ region: 'eu-central-1' }).name).toBe('sqs')
})

it('refuses clients that repeat calls by themselves, those for long polls too', async () => {
  const [one, three] = [1, 3].map(
    (maxAttempts) => new SQSClient({ region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 'b' }, maxAttempts }),
  )
  const fake = new FakeSqs()
  const refused = {
    code: 'ERR_CONFIGURATION',
    message: 'sqs: the client makes 3 attempts of each call, which core repeats as well; build it with maxAttempts: 1',
  }
  await expect(fake.link({ client: three! })).rejects.toMatchObject(refused)
  await expect(fake.link({ client: one!, pollingClient: three! })).rejects.toMatchObject(refused)
  const link = await fake.link({ client: one!, pollingClient: one! })
  await link.close()
})
