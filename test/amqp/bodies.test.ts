import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { amqp } from '@busbar/amqp'
import { constant, createBroker, queue, text, type Broker, type DeadLetter } from '@busbar/core'
import { claimCheck, claimFetch, compression, decompression, decryption, encryption, fileStore, localKeys, retry } from '@busbar/middleware'
import * as raw from 'amqplib'
import { afterAll, expect, it } from 'vitest'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { until } from './support/intake.ts'

const words = queue<string>('words', { codec: text, messageId: (body) => `w-${body.length}`, type: 'word' })
const keyed = queue<string>('keyed', { codec: text, orderingKey: (body) => `k${body.length % 3}` })
const keys = localKeys({ current: 'k1', keys: { k1: Buffer.alloc(32, 1) } })
const directory = mkdtempSync(join(tmpdir(), 'busbar-amqp-bodies-'))
const store = fileStore({ directory })

afterAll(() => rmSync(directory, { recursive: true, force: true }))

function brokerAt(url: string): Broker {
  return createBroker({ driver: amqp({ url }), destinations: [words, keyed], provision: 'create', log: () => undefined })
}

const sending = [compression({ minBytes: 100 }), encryption({ keys, headers: ['tenant'] }), claimCheck({ store, minBytes: 20_000 })]
const receiving = [claimFetch({ store }), decryption({ keys, headers: ['tenant'] }), decompression()]

/** Short, compressible, and too large for anything but a store. */
const bodies = ['short', 'again '.repeat(1_000), Array.from({ length: 20_000 }, (_, index) => (index * 7_919) % 100_003).join()]

await onEachRabbitmq({}, (bed) => {
  it.each([words, keyed])('carries bodies through retries at the broker, dead letters and redrive ($name)', async (source) => {
    const broker = brokerAt(await freshVhost(bed))
    const handled: string[] = []
    let broken = true
    let failures = 0
    const handler = ({ body }: { readonly body: string }): void => {
      if (broken) {
        failures++
        throw new Error('down')
      }
      handled.push(body)
    }
    // Without a key, a wait is spent at the broker: the message goes out once more as a copy.
    await broker.consume(source, handler, { use: [...receiving, retry({ maxAttempts: 2, backoff: constant(200), holdMs: source === words ? 0 : 1_000 })] })
    const producer = broker.producer(source, { use: sending })
    for (const body of bodies) await producer.send(body, { headers: { tenant: 'acme' } })
    const letters = broker.deadLetters(source)
    let found: readonly DeadLetter[] = []
    // Looking into the place takes a second: only once there should be something.
    await until('all attempts', () => failures === 2 * bodies.length)
    await until('three dead letters', async () => (found = await letters.peek()).length === bodies.length, 20_000)
    for (const { info } of found) expect(info).toMatchObject({ reason: 'attempts exhausted', errorMessage: 'down', attempts: 2 })
    expect(files()).toBe(1)
    broken = false
    await letters.redrive()
    await until('all bodies', () => handled.length === bodies.length, 20_000)
    expect(handled.toSorted((a, b) => a.length - b.length)).toEqual(bodies)
    await until('an empty store', () => files() === 0)
    await broker.drain()
  })

  it('speaks of compression as plain clients do, both ways', async () => {
    const url = await freshVhost(bed)
    const broker = brokerAt(url)
    await broker.start()
    const connection = await raw.connect(url)
    const channel = await connection.createConfirmChannel()
    await broker.producer(words, { use: [compression()] }).send(bodies[1]!)
    const got = await channel.get('words', { noAck: true })
    if (got === false) throw new Error('nothing there')
    expect(got.properties).toMatchObject({ contentEncoding: 'gzip', contentType: 'text/plain; charset=utf-8' })
    expect(got.properties.headers).not.toHaveProperty('content-encoding')
    expect(gunzipSync(got.content).toString()).toBe(bodies[1])

    channel.sendToQueue('words', gzipSync('foreign'), { contentEncoding: 'gzip' })
    channel.sendToQueue('words', Buffer.from('plain'), { contentEncoding: 'utf-8' })
    channel.sendToQueue('words', Buffer.from('not gzip'), { contentEncoding: 'gzip' })
    await channel.waitForConfirms()
    const handled: string[] = []
    await broker.consume(words, ({ body }) => void handled.push(body), { use: [decompression()] })
    await until('two messages', () => handled.length === 2)
    expect(handled.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(['foreign', 'plain'])
    await until('a dead letter', async () => (await broker.deadLetters(words).peek()).length === 1)
    expect((await broker.deadLetters(words).peek())[0]).toMatchObject({ headers: { 'content-encoding': 'gzip' }, info: { attempts: 1 } })
    await connection.close()
    await broker.drain()
  })
})

function files(): number {
  return readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
}
