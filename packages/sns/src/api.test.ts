import { Readable } from 'node:stream'
import { systemClock } from '@busbar/core'
import type { Services } from '@busbar/core/driver'
import { SNSClient } from '@aws-sdk/client-sns'
import { expect, it } from 'vitest'
import { Api } from './api.ts'

interface Request {
  readonly headers: Readonly<Record<string, string>>
  readonly hostname: string
  readonly body: string
}

const services: Services = { clock: systemClock, random: () => 0.5, log: () => undefined, meter: () => undefined }
const taken =
  '<PublishBatchResponse><PublishBatchResult><Failed/><Successful><member><Id>0</Id><MessageId>sns-0</MessageId></member></Successful></PublishBatchResult></PublishBatchResponse>'
const refused = '<ErrorResponse><Error><Type>Sender</Type><Code>NotFound</Code><Message>Topic does not exist</Message></Error></ErrorResponse>'
const input = {
  TopicArn: 'arn:aws:sns:eu-central-1:1:orders',
  PublishBatchRequestEntries: [{ Id: '0', Message: 'a & b', MessageAttributes: { a: { DataType: 'String', StringValue: 'ü' } } }],
}

/** The calls on a client of ours without a network: what is answered in turn, and what is asked. */
function apiOf(answers: readonly (readonly [status: number, body: string])[]): { readonly api: Api; readonly requests: Request[] } {
  const requests: Request[] = []
  const handle = async (request: Request): Promise<unknown> => {
    const [statusCode, body] = answers[requests.length] ?? [500, '']
    requests.push(request)
    return { response: { statusCode, headers: { 'content-type': 'text/xml' }, body: Readable.from([Buffer.from(body)]) } }
  }
  const requestHandler = { handle, metadata: { handlerProtocol: 'http/1.1' } } as never
  const client = new SNSClient({ region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 's' }, maxAttempts: 1, requestHandler })
  return { api: new Api(client, true, services, { timeoutMs: 1_000, allowPlaintext: false }), requests }
}

it('publishes by the short path what the first call publishes through all steps', async () => {
  const { api, requests } = apiOf([
    [200, taken],
    [200, taken],
  ])
  const [whole, short] = [await api.publish(input, 'Publishing'), await api.publish(input, 'Publishing')]
  expect(whole.Successful).toEqual([{ Id: '0', MessageId: 'sns-0' }])
  expect(short.Successful).toEqual(whole.Successful)
  const [first, second] = requests as [Request, Request]
  expect(second).toEqual({ ...first, headers: { ...first.headers, ...changing(second) } })
  expect(second.headers['authorization']).toMatch(/^AWS4-HMAC-SHA256 Credential=a\/.*\/sns\/.*Signature=[0-9a-f]{64}$/)
  // The SDK counts attempts and waits for those that it makes: none here.
  expect([whole, short].map(({ $metadata }) => $metadata.attempts)).toEqual([1, undefined])
})

it('throws on the short path what it throws on the whole', async () => {
  const { api } = apiOf([
    [404, refused],
    [404, refused],
    [503, '<html/>'],
  ])
  for (let times = 0; times < 2; times++)
    await expect(api.publish(input, 'Publishing')).rejects.toMatchObject({
      code: 'ERR_NOT_FOUND',
      message: 'Publishing: Topic does not exist',
      cause: { name: 'NotFoundException' },
    })
  await expect(api.publish(input, 'Publishing')).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
})

/** Other in each request. */
function changing({ headers }: Request): Record<string, string | undefined> {
  return Object.fromEntries(['amz-sdk-invocation-id', 'authorization', 'x-amz-date'].map((name) => [name, headers[name]]))
}
