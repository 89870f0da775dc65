import { addAbortSignal, Readable } from 'node:stream'
import type * as Sdk from '@aws-sdk/client-s3'
import { BrokerError } from '@busbar/core/driver'
import { assertOptions } from '../support/assert-option.ts'
import type { BodyStore } from './body-store.ts'

/** The part of an `S3Client` of `@aws-sdk/client-s3` that is used. */
export interface S3Like {
  send(command: never, options?: { readonly abortSignal?: AbortSignal }): Promise<unknown>
}

export interface S3StoreOptions {
  /** An `S3Client`, ready to use. Its retries and time-outs apply to each call. */
  readonly client: S3Like
  readonly bucket: string
  /** Before all keys: `busbar/` makes `busbar/2026/01/31/…`. Default: nothing. */
  readonly prefix?: string
  /** Further parameters of every `PutObject`: `{ ServerSideEncryption: 'aws:kms' }`. */
  readonly put?: Readonly<Record<string, unknown>>
}

type Commands = Pick<typeof Sdk, 'PutObjectCommand' | 'GetObjectCommand' | 'DeleteObjectCommand'>

/**
 * Bodies as objects of an S3 bucket. `@aws-sdk/client-s3` is loaded when the first one is stored or fetched.
 *
 * Needs `s3:PutObject` to send, `s3:GetObject` to receive and `s3:DeleteObject` to delete; and `s3:ListBucket` to receive, without which S3 does not tell a body that
 * is not there from one that may not be read, and the message waits for ever instead of being given up.
 */
export function s3Store(options: S3StoreOptions): BodyStore {
  assertOptions('s3Store', options, ['client', 'bucket', 'prefix', 'put'])
  const { client, bucket, prefix = '', put = {} } = options
  if (typeof client?.send !== 'function') throw new TypeError('s3Store: client must be an S3Client; it has no function send')
  if (typeof bucket !== 'string' || bucket === '') throw new TypeError('s3Store: bucket must be the name of a bucket')
  if (typeof prefix !== 'string') throw new TypeError('s3Store: prefix must be text')
  let loading: Promise<Commands> | undefined

  async function call(signal: AbortSignal, make: (commands: Commands) => object): Promise<unknown> {
    const commands = await (loading ??= load())
    return client.send(make(commands) as never, { abortSignal: signal })
  }

  const place = (key: string): { Bucket: string; Key: string } => ({ Bucket: bucket, Key: prefix + key })
  return {
    async put(key, body, { signal }) {
      const input = { ContentType: 'application/octet-stream', ...put, ...place(key), Body: body, ContentLength: body.byteLength }
      await call(signal, ({ PutObjectCommand }) => new PutObjectCommand(input))
    },

    async get(key, { maxBytes, signal }) {
      try {
        const { Body: body } = (await call(signal, ({ GetObjectCommand }) => new GetObjectCommand(place(key)))) as { readonly Body?: unknown }
        return await read(body, maxBytes, signal)
      } catch (error) {
        // Of a bucket that is not there, nothing is known about its objects.
        if (error instanceof Error && error.name === 'NoSuchKey') return undefined
        throw error
      }
    },

    async delete(key, { signal }) {
      await call(signal, ({ DeleteObjectCommand }) => new DeleteObjectCommand(place(key)))
    },
  }
}

async function load(): Promise<Commands> {
  try {
    return await import('@aws-sdk/client-s3')
  } catch (error) {
    throw new BrokerError('ERR_CONFIGURATION', 's3Store: the package @aws-sdk/client-s3 is not installed here; add it next to @busbar/middleware', {
      cause: error,
    })
  }
}

/** Ends the download, and with it the connection, when more comes than is expected. */
async function read(body: unknown, maxBytes: number, signal: AbortSignal): Promise<Uint8Array> {
  if (!isIterable(body)) throw new TypeError('s3Store: the client has given no body that can be read as a stream')
  // The client's own look at the signal ends with the response's head; a download that stalls must not hold its connection for ever.
  if (body instanceof Readable) addAbortSignal(signal, body)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    bytes += chunk.byteLength
    if (bytes > maxBytes) break
  }
  return Buffer.concat(chunks, bytes)
}

function isIterable(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === 'object' && body !== null && Symbol.asyncIterator in body
}
