import { CreateQueueCommand, ReceiveMessageCommand, SendMessageCommand, type Message, type SQSClient } from '@aws-sdk/client-sqs'
import type { Clock } from '@busbar/core/driver'
import { virtualClock } from '@busbar/memory'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startAwsWire, type AwsWire } from './index.ts'
import { sqsClient } from './test-support/bed.ts'

let wire: AwsWire
let clock: Clock
let sqs: SQSClient
let url = ''

beforeEach(async () => {
  wire = await startAwsWire({ clock: virtualClock() })
  clock = wire.clock
  sqs = sqsClient(wire)
  const { QueueUrl = '' } = await clock.external(sqs.send(new CreateQueueCommand({ QueueName: 'virtual' })))
  url = QueueUrl
})

afterEach(async () => {
  sqs.destroy()
  await wire[Symbol.asyncDispose]()
})

const send = (body: string): Promise<unknown> => clock.external(sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: body })))
const receive = async (seconds: number, visibility = 30, abortSignal: AbortSignal = new AbortController().signal): Promise<Message[]> => {
  const command = new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: seconds, VisibilityTimeout: visibility })
  return (await clock.external(sqs.send(command, { abortSignal }))).Messages ?? []
}

describe('a virtual clock that advances by itself', () => {
  it('stands still while requests are under way', async () => {
    await send('a')
    await receive(0, 1)
    const start = clock.monotonic()
    for (let round = 0; round < 30; round++) await send('b')
    await Promise.all(Array.from({ length: 30 }, () => send('c')))
    expect(clock.monotonic()).toBe(start)
  })

  it('advances while a poll waits, and no further than to its end', async () => {
    const start = clock.monotonic()
    expect(await receive(20)).toEqual([])
    expect(clock.monotonic() - start).toBe(20_000)
  })

  it('advances to what a poll waits for: hours in a moment', async () => {
    await send('a')
    await receive(0, 7_200)
    const [start, real] = [clock.monotonic(), performance.now()]
    let polls = 1
    while ((await receive(20)).length === 0) polls++
    expect(clock.monotonic() - start).toBe(7_200_000)
    expect(polls).toBe(360)
    expect(performance.now() - real).toBeLessThan(15_000)
  })

  it('goes on when a poll is given up', async () => {
    const stop = new AbortController()
    const waiting = receive(20, 30, stop.signal)
    clock.timer(clock.monotonic() + 5_000, () => stop.abort())
    await expect(waiting).rejects.toThrow(/abort/i)
    const start = clock.monotonic()
    await send('a')
    expect(clock.monotonic()).toBe(start)
    expect(await receive(20)).toHaveLength(1)
    expect(await receive(20)).toEqual([])
    expect(clock.monotonic() - start).toBe(20_000)
  })

  it('stands still for what is under way when a poll is given up, others waiting', async () => {
    const stop = new AbortController()
    const given = receive(20, 30, stop.signal)
    const other = receive(20)
    const start = clock.monotonic()
    const { promise: sent, resolve } = Promise.withResolvers<number>()
    clock.timer(start + 5_000, () => {
      stop.abort()
      void Promise.all(Array.from({ length: 5 }, () => send('a'))).then(() => resolve(clock.monotonic()))
    })
    await expect(given).rejects.toThrow(/abort/i)
    expect(await sent).toBe(start + 5_000)
    expect(await other).toHaveLength(1)
  })

  it('passes a delay of an answer', async () => {
    wire.faults.add({ action: 'SendMessage', fault: { kind: 'delay', when: 'after', ms: 3_600_000 } })
    const start = clock.monotonic()
    await send('a')
    expect(clock.monotonic() - start).toBe(3_600_000)
  })
})
