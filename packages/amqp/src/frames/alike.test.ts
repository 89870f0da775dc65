import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { ChannelModel } from 'amqplib'
import { describe, expect, it } from 'vitest'
import { useOwnFrames } from './own-frames.ts'
import type { Frame, Wire } from './wire.ts'

const require = createRequire(import.meta.url)
const { Connection } = require(join(dirname(require.resolve('amqplib')), 'lib/connection.js')) as { Connection: new (stream: PassThrough) => Wire }

describe('an amqplib that is not as known', () => {
  it.each<[string, (wire: Wire) => object]>([
    ['writes otherwise', () => ({ sendMessage: writesOther })],
    ['writes large bodies otherwise', ({ sendMessage }) => ({ sendMessage: otherwiseIfLarge(sendMessage) })],
    ['reads otherwise', () => ({ recvFrame: () => false })],
    ['has no such methods', () => ({ recvFrame: undefined })],
    ['reads numbers otherwise', ({ recvFrame }) => ({ recvFrame: changed(recvFrame, (_, frame) => frame && withBigNumbers(frame)) })],
    ['is given what is received', ({ recvFrame }) => ({ recvFrame: withoutReading(recvFrame) })],
    ['tells heartbeats otherwise that something came', ({ recvFrame }) => ({ recvFrame: changed(recvFrame, forgets('recvSinceLastCheck')) })],
    ['tells heartbeats otherwise that something went', ({ sendMessage }) => ({ sendMessage: changed(sendMessage, forgets('sentSinceLastCheck')) })],
    ['counts what is written', ({ sendMessage }) => ({ sendMessage: changed(sendMessage, counts) })],
  ])('%s: is left alone', (_, change) => {
    const wire = new Connection(new PassThrough())
    Object.assign(wire, change(wire))
    const { recvFrame, sendMessage } = wire
    expect(useOwnFrames({ connection: wire as unknown as ChannelModel['connection'] }, () => undefined)).toBe(false)
    expect(wire.recvFrame).toBe(recvFrame)
    expect(wire.sendMessage).toBe(sendMessage)
  })
})

interface Host {
  bytesWritten: number
  recvSinceLastCheck: boolean
  sentSinceLastCheck: boolean
}

/** The same method, but its result is what `change` makes of it. */
function changed<A extends unknown[], R>(method: (this: Wire, ...all: A) => R, change: (host: Host, result: R) => R): (this: Wire, ...all: A) => R {
  return function (...all) {
    return change(this as unknown as Host, method.apply(this, all))
  }
}

const writesOther: Wire['sendMessage'] = function (channel) {
  return this.channels[channel]?.buffer.write(Buffer.of(1)) === true
}

function otherwiseIfLarge(sendMessage: Wire['sendMessage']): Wire['sendMessage'] {
  return function (...all) {
    return (all[5].length > 2_048 ? writesOther : sendMessage).apply(this, all)
  }
}

function counts<R>(host: Host, result: R): R {
  host.bytesWritten = 1
  return result
}

function forgets(told: 'recvSinceLastCheck' | 'sentSinceLastCheck'): <R>(host: Host, result: R) => R {
  return (host, result) => {
    host[told] = false
    return result
  }
}

function withoutReading(recvFrame: Wire['recvFrame']): Wire['recvFrame'] {
  return function () {
    const { stream } = this
    Object.assign(this, { stream: { read: () => null } })
    const frame = recvFrame.call(this)
    Object.assign(this, { stream })
    return frame
  }
}

function withBigNumbers(frame: Frame): Frame {
  const { headers } = { ...frame.fields } as { readonly headers?: object }
  if (headers === undefined) return frame
  return {
    ...frame,
    fields: {
      ...frame.fields,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, typeof value === 'number' ? BigInt(value) : value])),
    },
  }
}
