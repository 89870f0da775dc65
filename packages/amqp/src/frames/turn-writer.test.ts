import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { Duplex } from 'node:stream'
import { setImmediate as afterImmediates } from 'node:timers/promises'
import type { ChannelModel } from 'amqplib'
import { expect, it } from 'vitest'
import { useOwnFrames } from './own-frames.ts'
import { basicProperties, basicPublish, type PublishFields, type Wire } from './wire.ts'

const require = createRequire(import.meta.url)
const { Connection } = require(join(dirname(require.resolve('amqplib')), 'lib/connection.js')) as {
  Connection: new (stream: Duplex) => Wire & { freshChannel(channel: { onBufferDrain(): void }): number }
}

const routingKeyAt = 7 + 4 + 2 + 2

/** A channel of amqplib's own connection; each write to the socket as the names of its messages, in order. */
function open(socketBytes = 65_536): {
  readonly publish: (name: string, bytes?: number) => boolean
  readonly wire: Wire
  readonly writes: string[]
  readonly unblock: () => void
} {
  const writes: string[] = []
  let [blocked, proceed] = [socketBytes < 65_536, (): void => undefined]
  const done = (callback: () => void): void => void (blocked ? (proceed = callback) : callback())
  const socket = new Duplex({
    writableHighWaterMark: socketBytes,
    read: () => undefined,
    write: (chunk: Buffer, _, callback) => {
      writes.push(nameIn(chunk))
      done(callback)
    },
    writev: (chunks, callback) => {
      writes.push(chunks.map(({ chunk }) => nameIn(chunk as Buffer)).join(' '))
      done(callback)
    },
  })
  const wire = new Connection(socket)
  const channel = wire.freshChannel({ onBufferDrain: () => undefined })
  expect(useOwnFrames({ connection: wire as unknown as ChannelModel['connection'] })).toBe(true)
  const publish = (name: string, bytes = 1): boolean => {
    const fields = { exchange: '', routingKey: name, mandatory: false, headers: {} } as unknown as PublishFields
    return wire.sendMessage(channel, basicPublish, fields, basicProperties, fields, Buffer.alloc(bytes))
  }
  const unblock = (): void => {
    blocked = false
    proceed()
  }
  return { publish, wire, writes, unblock }
}

function afterTick(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}

/** Of a publish; `body` for a frame of a body. */
function nameIn(bytes: Buffer): string {
  if (bytes[0] === 3) return 'body'
  const length = bytes[routingKeyAt - 1] as number
  return bytes.subarray(routingKeyAt, routingKeyAt + length).toString()
}

it('what is published in one turn leaves in one write, before any timer or immediate', async () => {
  const { publish, writes } = open()
  publish('a')
  await Promise.resolve()
  publish('b')
  publish('c')
  expect(writes).toEqual([])
  await afterTick()
  expect(writes).toEqual(['a b c'])
  publish('d')
  await afterTick()
  expect(writes).toEqual(['a b c', 'd'])
})

it('what amqplib holds of the channel goes first', async () => {
  const { publish, writes } = open()
  publish('small')
  publish('large', 3_000)
  publish('behind it')
  await afterImmediates()
  publish('later')
  await afterImmediates()
  expect(writes.join(' ')).toBe('small large body behind it later')
})

it('a socket that is full is left to amqplib, which says when to go on, and the order stays', async () => {
  const { publish, writes, unblock } = open(200)
  const names = Array.from({ length: 20 }, (_, index) => `m${index}`)
  for (const name of names.slice(0, 10)) publish(name, 50)
  await afterImmediates()
  for (const name of names.slice(10)) publish(name, 50)
  await afterImmediates()
  expect(writes.length).toBeLessThan(10)
  unblock()
  await afterImmediates()
  await afterImmediates()
  expect(writes.join(' ')).toBe(names.join(' '))
})
