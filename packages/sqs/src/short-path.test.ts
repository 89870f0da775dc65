import { Readable } from 'node:stream'
import { inspect } from 'node:util'
import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
  type ReceiveMessageCommandOutput,
  type SendMessageBatchCommandOutput,
  type SQSClientConfig,
} from '@aws-sdk/client-sqs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { hasParts, type SdkRequest } from './sdk-parts.ts'
import { ShortPath } from './short-path.ts'

interface Answer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

/** A client of the SDK without a network, and its short path: the service answers in turn, and goes on with the last answer. */
class Bed {
  readonly requests: SdkRequest[] = []
  readonly client: SQSClient
  readonly path: ShortPath
  /** Calls that have gone through all steps. */
  whole = 0
  refused: Error | undefined
  readonly #answers: readonly (Answer | Error)[]

  constructor(answers: readonly (Answer | Error)[], { allowed = true, ...config }: SQSClientConfig & { readonly allowed?: boolean } = {}) {
    this.#answers = answers
    const requestHandler = { handle: this.#handle, metadata: { handlerProtocol: 'http/1.1' } } as never
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    this.client = new SQSClient({
      region: 'eu-central-1',
      credentials,
      maxAttempts: 1,
      cacheMiddleware: true,
      useQueueUrlAsEndpoint: false,
      requestHandler,
      ...config,
    })
    this.client.middlewareStack.add((next) => (args) => {
      this.whole++
      return next(args)
    })
    this.path = new ShortPath(this.client, { refusal: () => this.refused, allowed })
  }

  send(body: string = 'hello', check?: (output: SendMessageBatchCommandOutput) => void): Promise<SendMessageBatchCommandOutput> {
    return this.path.send(sendCommand(body), check)
  }

  readonly #handle = async (request: SdkRequest): Promise<unknown> => {
    const answer = this.#answers[Math.min(this.requests.length, this.#answers.length - 1)] as Answer | Error
    this.requests.push(request)
    if (answer instanceof Error) throw answer
    const { status = 200, headers = {}, body } = answer
    const text = typeof body === 'string' ? body : JSON.stringify(body ?? taken)
    return {
      response: {
        statusCode: status,
        headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amzn-requestid': 'r-1', ...headers },
        body: Readable.from([Buffer.from(text)]),
      },
    }
  }
}

const QueueUrl = 'https://sqs.eu-central-1.amazonaws.com/1/orders'

function sendCommand(MessageBody: string): SendMessageBatchCommand {
  return new SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: '0', MessageBody }] })
}

const md5OfHello = '5d41402abc4b2a76b9719d911017c592'
const taken = { Successful: [{ Id: '0', MessageId: 'sqs-0', MD5OfMessageBody: md5OfHello }] }

/** Other in each request, whichever way it takes. */
const changing = ['amz-sdk-invocation-id', 'authorization', 'x-amz-date']

function lasting({ headers }: SdkRequest): unknown {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !changing.includes(name)))
}

/** The scope, and the names of what is signed. */
function signedParts({ headers }: SdkRequest): string {
  return String(headers['authorization']).replace(/, Signature=.*/, '')
}

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

describe('a request on the short path', () => {
  it('is what the SDK makes of the same command', async () => {
    const bed = new Bed([{}])
    for (let times = 0; times < 3; times++) await bed.send()
    expect(bed.whole).toBe(1)
    const [whole, short] = bed.requests as [SdkRequest, SdkRequest, SdkRequest]
    expect({ ...short, headers: lasting(short) }).toEqual({ ...whole, headers: lasting(whole) })
    expect(Object.keys(short.headers).toSorted()).toEqual(Object.keys(whole.headers).toSorted())
    expect(signedParts(short)).toBe(signedParts(whole))
    expect(new Set(bed.requests.map(({ headers }) => headers['amz-sdk-invocation-id'])).size).toBe(3)
  })

  it('has the signature of its own body and the credentials of its own time', async () => {
    let given: object = { accessKeyId: 'first' }
    const credentials = async (): Promise<never> => ({ secretAccessKey: 'b', expiration: new Date(Date.now() + 1_000), ...given }) as never
    const bed = new Bed([{}], { credentials })
    await bed.send()
    given = { accessKeyId: 'second', sessionToken: 'token' }
    await bed.send()
    expect(bed.whole).toBe(1)
    const [whole, short] = bed.requests as [SdkRequest, SdkRequest]
    expect([whole, short].map(({ headers }) => /Credential=(\w+)/.exec(String(headers['authorization']))?.[1])).toEqual(['first', 'second'])
    expect(short.headers['x-amz-security-token']).toBe('token')
    await bed.path.send(sendCommand('hello, world'))
    const [, , other] = bed.requests as [SdkRequest, SdkRequest, SdkRequest]
    expect(other.headers['content-length']).toBe(String(other.body.length))
    expect(other.headers['x-amz-content-sha256']).not.toBe(short.headers['x-amz-content-sha256'])
  })

  it('goes where the first one went, by an endpoint of the configuration', async () => {
    const bed = new Bed([{}], { endpoint: 'http://127.0.0.1:9324/base' })
    await bed.send()
    await bed.send()
    const [whole, short] = bed.requests as [SdkRequest, SdkRequest]
    expect(bed.whole).toBe(1)
    expect([short.protocol, short.hostname, short.port, short.path]).toEqual(['http:', '127.0.0.1', 9324, '/base/'])
    expect([whole.protocol, whole.hostname, whole.port, whole.path]).toEqual(['http:', '127.0.0.1', 9324, '/base/'])
  })

  it('is of one command: each has a first one of its own', async () => {
    const bed = new Bed([{}, {}, { body: {} }])
    await bed.send()
    await bed.send()
    const command = new DeleteMessageBatchCommand({ QueueUrl, Entries: [{ Id: '0', ReceiptHandle: 'r' }] })
    for (let times = 0; times < 2; times++) await bed.path.send(command)
    expect(bed.whole).toBe(2)
    expect(bed.requests.map(({ headers }) => headers['x-amz-target'])).toEqual([
      'AmazonSQS.SendMessageBatch',
      'AmazonSQS.SendMessageBatch',
      'AmazonSQS.DeleteMessageBatch',
      'AmazonSQS.DeleteMessageBatch',
    ])
  })

  it('does not leave when it is refused, and neither does a whole one', async () => {
    const bed = new Bed([{}])
    bed.refused = new Error('nobody waits for it')
    await expect(bed.send()).rejects.toThrow('nobody waits for it')
    await expect(bed.send()).rejects.toThrow('nobody waits for it')
    expect(bed.requests).toHaveLength(0)
    bed.refused = undefined
    await bed.send()
    expect(bed.requests).toHaveLength(1)
  })

  it('is signed with nothing of the first messages, which would be kept as long as the client', async () => {
    const bed = new Bed([{ body: {} }])
    const [scheme] = bed.client.config.httpAuthSchemes
    if (scheme === undefined) throw new TypeError('there is a scheme')
    const sign = vi.spyOn(scheme.signer, 'sign')
    await bed.send('a secret')
    await bed.path.send(sendCommand('hello'))
    expect(bed.whole).toBe(1)
    const [, , properties] = sign.mock.calls[1] ?? []
    expect(properties).toHaveProperty('context')
    expect(inspect(properties?.['context'], { depth: 20, getters: true })).not.toContain('a secret')
  })
})

describe('all steps', () => {
  it('are gone through where there is a header that none of them makes: it may be another one each time', async () => {
    const bed = new Bed([{}])
    let traces = 0
    bed.client.middlewareStack.add(
      (next) => (args) => {
        const { headers } = args.request as SdkRequest
        headers['traceparent'] = String(++traces)
        return next(args)
      },
      { step: 'build' },
    )
    await bed.send()
    await bed.send()
    expect(bed.requests.map(({ headers }) => headers['traceparent'])).toEqual(['1', '2'])
  })

  it('are gone through in AWS Lambda: the trace of the invocation goes with each call, and the first may have none', async () => {
    vi.stubEnv('AWS_LAMBDA_FUNCTION_NAME', 'orders')
    const bed = new Bed([{}])
    await bed.send()
    for (const trace of ['Root=1', 'Root=2']) {
      vi.stubEnv('_X_AMZN_TRACE_ID', trace)
      await bed.send()
    }
    expect(bed.requests.map(({ headers }) => headers['X-Amzn-Trace-Id'])).toEqual([undefined, 'Root=1', 'Root=2'])
  })

  it('are gone through where instrumentation has wrapped the client: it is to see all calls', async () => {
    const wrapper = vi.spyOn(SQSClient.prototype, 'send')
    // As `shimmer` does, and OpenTelemetry.
    Object.defineProperty(wrapper, '__wrapped', { value: true })
    const bed = new Bed([{}])
    await bed.send()
    await bed.send()
    expect(wrapper).toHaveBeenCalledTimes(2)
  })

  it('are gone through where the short path is not allowed', async () => {
    const bed = new Bed([{}], { allowed: false })
    await bed.send()
    await bed.send()
    expect(bed.whole).toBe(2)
  })

  it('are gone through by a client that is made of other parts', () => {
    const parts = { protocol: { serializeRequest: vi.fn(), deserializeResponse: vi.fn() }, requestHandler: { handle: vi.fn() }, credentials: vi.fn() }
    const scheme = {
      httpAuthOption: { schemeId: 'aws.auth#sigv4', signingProperties: {} },
      signer: { sign: vi.fn(), errorHandler: vi.fn(), successHandler: vi.fn() },
    }
    expect(hasParts(parts, scheme)).toBe(true)
    expect(hasParts({ ...parts, useQueueUrlAsEndpoint: true }, scheme)).toBe(false)
    for (const name of Object.keys(parts)) expect(hasParts({ ...parts, [name]: undefined }, scheme)).toBe(false)
    for (const name of Object.keys(scheme)) expect(hasParts(parts, { ...scheme, [name]: undefined })).toBe(false)
    for (const name of Object.keys(scheme.signer)) expect(hasParts(parts, { ...scheme, signer: { ...scheme.signer, [name]: undefined } })).toBe(false)
    for (const other of [{ schemeId: 'aws.auth#sigv4a' }, { signingProperties: undefined }])
      expect(hasParts(parts, { ...scheme, httpAuthOption: { ...scheme.httpAuthOption, ...other } as never })).toBe(false)
  })
})

describe('an answer on the short path', () => {
  it('is what the SDK reads', async () => {
    const message = {
      MessageId: 'm',
      ReceiptHandle: 'r',
      Body: 'hello',
      MD5OfBody: md5OfHello,
      Attributes: { SentTimestamp: '1' },
      MessageAttributes: { a: { DataType: 'Binary', BinaryValue: 'AP+A' } },
    }
    const bed = new Bed([{ body: { Messages: [message] } }])
    const command = new ReceiveMessageCommand({ QueueUrl })
    const whole = await bed.path.send<ReceiveMessageCommandOutput>(command)
    const short = await bed.path.send<ReceiveMessageCommandOutput>(command)
    expect(bed.whole).toBe(1)
    expect(short.Messages).toEqual(whole.Messages)
    expect(short.Messages?.[0]?.MessageAttributes?.['a']?.BinaryValue).toEqual(new Uint8Array([0, 255, 128]))
  })

  it.each([
    [
      'of the service',
      {
        status: 400,
        body: { __type: 'com.amazonaws.sqs#QueueDoesNotExist', message: 'no such queue' },
        headers: { 'x-amzn-query-error': 'AWS.SimpleQueueService.NonExistentQueue;Sender' },
      },
    ],
    ['nobody knows', { status: 400, body: { __type: 'Odd', message: 'what?' } }],
    ['of something before the service', { status: 503, body: '<html>no</html>', headers: { 'content-type': 'text/html' } }],
    ['without a text', { status: 500, body: '' }],
    ['of the connection', Object.assign(new Error('reset'), { code: 'ECONNRESET' })],
  ])('is the error that the SDK throws: one %s', async (_, failure) => {
    const bed = new Bed([{}, failure])
    await bed.send()
    const short = await told(bed.send())
    expect(bed.whole).toBe(1)
    expect(short).toEqual(await told(bed.client.send(sendCommand('hello'))))
  })

  it.each([
    ['a refusal', { status: 403, body: { __type: 'InvalidSignatureException', message: 'Signature expired' } }],
    ['one of what was asked for', {}],
  ])('sets the clock by which later requests are signed: %s', async (_, answer) => {
    const ahead = new Date(Date.now() + 3_600_000).toUTCString()
    const bed = new Bed([{}, { ...answer, headers: { date: ahead } }, {}])
    await bed.send()
    const error = await bed.send().then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if ('status' in answer) expect(error).toMatchObject({ $metadata: { clockSkewCorrected: true } })
    await bed.send()
    expect(bed.whole).toBe(1)
    const [first, , third] = bed.requests.map(signedAt) as [number, number, number]
    expect(third - first).toBeGreaterThan(3_500_000)
  })

  it('is looked at as the SDK would', async () => {
    const bed = new Bed([{}])
    const check = vi.fn<(output: SendMessageBatchCommandOutput) => void>(() => {
      throw new Error('another body')
    })
    await bed.send('hello', check)
    expect(check).not.toHaveBeenCalled()
    await expect(bed.send('hello', check)).rejects.toThrow('another body')
    expect(check.mock.calls[0]?.[0].Successful).toEqual(taken.Successful)
  })
})

function signedAt({ headers }: SdkRequest): number {
  return Date.parse(String(headers['x-amz-date']).replace(/(....)(..)(..)T(..)(..)(..)Z/, '$1-$2-$3T$4:$5:$6Z'))
}

/** What who maps errors looks at, and what support asks for. */
async function told(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown as Error & { code?: string; $fault?: string; $metadata?: { httpStatusCode?: number; requestId?: string } },
  )
  const { name, code, $fault, $metadata, message } = error ?? {}
  return { name, code, fault: $fault, status: $metadata?.httpStatusCode, requestId: $metadata?.requestId, message: message?.replace(/\n.*/s, '') }
}
