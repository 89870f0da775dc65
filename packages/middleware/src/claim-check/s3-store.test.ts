import { Readable } from 'node:stream'
import { S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { s3Store, type S3Like } from './s3-store.ts'

const { signal } = new AbortController()

interface Sent {
  readonly command: string
  readonly input: Readonly<Record<string, unknown>>
  readonly signal: AbortSignal | undefined
}

/** A client that notes what it is sent and answers as told. */
function client(answer: () => unknown): { readonly sent: Sent[]; readonly like: S3Like } {
  const sent: Sent[] = []
  const like: S3Like = {
    send: async (command: { readonly constructor: { readonly name: string }; readonly input: Sent['input'] }, options) => {
      sent.push({ command: command.constructor.name, input: command.input, signal: options?.abortSignal })
      return Promise.resolve(answer())
    },
  }
  return { sent, like }
}

function failure(name: string): () => never {
  return () => {
    throw Object.assign(new Error('from S3'), { name })
  }
}

describe('s3Store', () => {
  it('takes a client of the SDK', () => {
    expect(s3Store({ client: new S3Client({ region: 'eu-central-1' }), bucket: 'b' })).toBeDefined()
  })

  it('puts, gets and deletes below its prefix', async () => {
    const { sent, like } = client(() => ({ Body: Readable.from([Buffer.from('bo'), Buffer.from('dy')]) }))
    const store = s3Store({ client: like, bucket: 'bodies', prefix: 'busbar/', put: { ServerSideEncryption: 'aws:kms', Bucket: 'other' } })
    await store.put('2026/k', Buffer.from('body'), { signal })
    expect(Buffer.from((await store.get('2026/k', { maxBytes: 4, signal })) ?? []).toString()).toBe('body')
    await store.delete('2026/k', { signal })
    expect(sent.map(({ command }) => command)).toEqual(['PutObjectCommand', 'GetObjectCommand', 'DeleteObjectCommand'])
    for (const { input, signal: given } of sent) {
      expect(input).toMatchObject({ Bucket: 'bodies', Key: 'busbar/2026/k' })
      expect(given).toBe(signal)
    }
    expect(sent[0]?.input).toMatchObject({ ServerSideEncryption: 'aws:kms', ContentLength: 4 })
  })

  it('ends the download of more than is expected', async () => {
    let ended = false
    async function* endless(): AsyncGenerator<Buffer> {
      try {
        for (;;) yield Promise.resolve(Buffer.alloc(1_000))
      } finally {
        ended = true
      }
    }
    const body = await s3Store({ client: client(() => ({ Body: Readable.from(endless()) })).like, bucket: 'b' }).get('k', { maxBytes: 2_500, signal })
    expect(body?.byteLength).toBe(3_000)
    expect(ended).toBe(true)
  })

  it('ends a download that stalls when nobody waits for it', async () => {
    const controller = new AbortController()
    const body = new Readable({ read: () => {} })
    body.push(Buffer.alloc(10))
    const getting = s3Store({ client: client(() => ({ Body: body })).like, bucket: 'b' }).get('k', { maxBytes: 100, signal: controller.signal })
    setImmediate(() => controller.abort())
    await expect(getting).rejects.toMatchObject({ name: 'AbortError' })
    expect(body.destroyed).toBe(true)
  })

  it('tells an object that is not there from anything else', async () => {
    const get = async (name: string): Promise<unknown> => s3Store({ client: client(failure(name)).like, bucket: 'b' }).get('k', { maxBytes: 1, signal })
    expect(await get('NoSuchKey')).toBeUndefined()
    for (const name of ['NoSuchBucket', 'AccessDenied', 'SlowDown', 'TimeoutError', 'NotFound']) await expect(get(name)).rejects.toThrow('from S3')
  })

  it.each([undefined, {}, { Body: undefined }, { Body: 'text' }, { Body: 5 }])('fails where the client answers %j', async (answer) => {
    await expect(s3Store({ client: client(() => answer).like, bucket: 'b' }).get('k', { maxBytes: 1, signal })).rejects.toThrow()
  })

  it('names what is wrong with its options', () => {
    const { like } = client(() => ({}))
    expect(() => s3Store({ client: {} as S3Like, bucket: 'b' })).toThrow('s3Store: client must be an S3Client')
    expect(() => s3Store({ client: like, bucket: '' })).toThrow('s3Store: bucket must be the name of a bucket')
    expect(() => s3Store({ client: like, buckt: 'b' } as never)).toThrow("did you mean 'bucket'?")
    expect(() => s3Store({ client: like, bucket: 'b', prefix: 5 as never })).toThrow('prefix must be text')
  })
})
