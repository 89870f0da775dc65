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
  Connection: new (stream: Duplex) => Wire & { freshChannel(channel: { onBufferDrain(): void }, options: { readonly highWaterMark: number }): number }
}

const routingKeyAt = 7 + 4 + 2 + 2

/** A channel of amqplib's own connection; each write to the socket as the names of its messages, in order. */
function open(socketBytes = 65_536): {
  readonly publish: (name: string, bytes?: number) => boolean
  readonly writes: string[]
  readonly unblock: () => void
  readonly drained: () => number
  readonly queued: () => number
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
  let drained = 0
  const channel = wire.freshChannel({ onBufferDrain: () => drained++ }, { highWaterMark: 4 })
  let queued = 0
  expect(useOwnFrames({ connection: wire as unknown as ChannelModel['connection'] }, () => queued++)).toBe(true)
  const publish = (name: string, bytes = 1): boolean => {
    const fields = { exchange: '', routingKey: name, mandatory: false, headers: {} } as unknown as PublishFields
    return wire.sendMessage(channel, basicPublish, fields, basicProperties, fields, Buffer.alloc(bytes))
  }
  const unblock = (): void => {
    blocked = false
    proceed()
  }
  return { publish, writes, unblock, drained: () => drained, queued: () => queued }
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
  const { publish, writes, queued } = open()
  publish('small')
  expect(queued()).toBe(0)
  publish('large', 3_000)
  publish('behind it')
  expect(queued()).toBe(2)
  await afterImmediates()
  await afterImmediates()
  publish('later')
  expect(queued()).toBe(2)
  await afterImmediates()
  expect(writes.join(' ')).toBe('small large body behind it later')
})

it('a socket that is full is left to amqplib, which says when to wait and when to go on, and the order stays', async () => {
  const { publish, writes, unblock, drained } = open(200)
  const names = Array.from({ length: 20 }, (_, index) => `m${index}`)
  const writable = names.map((name) => publish(name, 50))
  expect([writable.at(0), writable.at(-1)]).toEqual([true, false])
  await afterImmediates()
  expect(drained()).toBe(0)
  unblock()
  await afterImmediates()
  await afterImmediates()
  expect(drained()).toBe(1)
  expect(writes.join(' ')).toBe(names.join(' '))
})
