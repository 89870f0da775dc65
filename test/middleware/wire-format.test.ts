import { readFileSync } from 'node:fs'
import { createBroker, queue, type ConsumeOptions, type ProcessMiddleware } from '@busbar/core'
import { memory } from '@busbar/memory'
import { claimFetch, decompression, decryption, localKeys } from '@busbar/middleware'
import { expect, it } from 'vitest'

// What the page shows is what consumers read: whoever writes another implementation has only the page.
const page = readFileSync(new URL('../../docs/reference/wire-format.md', import.meta.url), 'utf8')

/** The value of a line that begins so, in a code block of the section. */
function vector(section: string, name: string): string {
  const text = page.slice(page.indexOf(`\n## ${section}\n`)).split('\n## ')[1] ?? ''
  const line = new RegExp(`^${name} *(.+)$`, 'm').exec(text.slice(text.indexOf('```text')))?.[1]
  if (line === undefined) throw new Error(`${section} shows no ${name}`)
  return line
}

function bytesOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex')
}

interface Given {
  readonly body: string | Uint8Array
  readonly headers: Readonly<Record<string, string>>
  readonly id?: string
}

/** Delivers a message exactly as given to a consumer, and answers the body that its handler sees. */
async function handled({ body, headers, id = 'm-1' }: Given, use: NonNullable<ConsumeOptions['use']>): Promise<unknown> {
  const trucks = queue<{ readonly truckId: string }>('trucks', { orderingKey: (truck) => truck.truckId })
  const broker = createBroker({ driver: memory(), destinations: [trucks], provision: 'create', log: () => {} })
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const failed: ProcessMiddleware = {
    name: 'failed',
    stage: 'telemetry',
    process: async (_context, next) => {
      const value = await next()
      if (value !== undefined) reject((value as { readonly error: Error }).error)
      return value
    },
  }
  await broker.consume(trucks, (message) => resolve(message.body), { use: [failed, ...use] })
  const producer = broker.producer(trucks, {
    use: [
      (context, next) => {
        const all = Object.assign(Object.create(null) as Record<string, string>, headers)
        context.outgoing = { ...context.outgoing, id, body, bodyBytes: Buffer.byteLength(body), headers: all }
        return next()
      },
    ],
  })
  await producer.send({ truckId: 'truck-7' })
  try {
    return await promise
  } finally {
    await broker.close()
  }
}

it.each(['gzip', 'br', 'zstd'])('compressed bodies: %s', async (encoding) => {
  const body = bytesOf(vector('Compressed bodies', encoding))
  expect(await handled({ body, headers: { 'content-encoding': encoding } }, [decompression()])).toEqual({ a: 1 })
})

const master = Buffer.from(Array.from({ length: 32 }, (_, index) => index))
const keys = localKeys({ current: 'k1', keys: { k1: master } })

it('encrypted messages', async () => {
  const headers = { tenant: 'acme', 'busbar-encryption': vector('Encrypted messages', 'header') }
  const body = bytesOf(vector('Encrypted messages', 'body'))
  const plain: unknown = JSON.parse(vector('Encrypted messages', 'plain'))
  expect(await handled({ body, headers }, [decryption({ keys, headers: ['tenant'] })])).toEqual(plain)
  await expect(handled({ body, headers, id: 'm-2' }, [decryption({ keys })])).rejects.toThrow('the message cannot be decrypted')
})

it('bodies in a store', async () => {
  const reference = vector('Bodies in a store', '(?={)')
  const stored = Buffer.from('{"truckId":"truck-7"}')
  const store = { put: () => {}, get: (key: string) => (reference.includes(key) ? stored : undefined), delete: () => {} }
  const body = /has the text `([^`]+)`/.exec(page)?.[1] ?? ''
  expect(await handled({ body, headers: { 'busbar-claim': reference } }, [claimFetch({ store })])).toEqual({ truckId: 'truck-7' })
})
