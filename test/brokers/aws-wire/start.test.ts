import { CreateQueueCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs'
import { describe, expect, it } from 'vitest'
import { startAwsWire } from './index.ts'
import { bodies, sqsClient, startBed } from './test-support/bed.ts'

describe('startAwsWire', () => {
  it('listens on the port that it is given, and frees it', async () => {
    let port = 0
    for (let round = 0; round < 2; round++) {
      await using wire = await startAwsWire({ port })
      const listening = Number(new URL(wire.endpoint).port)
      if (port !== 0) expect(listening).toBe(port)
      port = listening
    }
    await expect(fetch(`http://127.0.0.1:${port}`)).rejects.toThrow()
  })

  it('refuses what it does not know', async () => {
    await expect(startAwsWire({ prot: 1 } as never)).rejects.toThrow(TypeError)
    await expect(startAwsWire({ profile: 'kinesis' as never })).rejects.toThrow(TypeError)
    await expect(startAwsWire({ limits: { inflight: 1 } as never })).rejects.toThrow(TypeError)
  })

  it('several share nothing', async () => {
    await using one = await startBed()
    await using other = await startBed()
    await one.queue('own')
    await expect(other.attribute(`${other.wire.endpoint}/000000000000/own`, 'QueueArn')).rejects.toMatchObject({ name: 'QueueDoesNotExist' })
  })

  it('ends under polls by ending their connections', async () => {
    const wire = await startAwsWire()
    const sqs = sqsClient(wire)
    const { QueueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: 'ended' }))
    const waiting = sqs.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 20 }))
    waiting.catch(() => {})
    await expect.poll(() => wire.calls.count('ReceiveMessage'), { timeout: 10_000 }).toBe(1)
    await wire[Symbol.asyncDispose]()
    await expect(waiting).rejects.toMatchObject({ code: 'ECONNRESET' })
    sqs.destroy()
  })
})

describe('disorder', () => {
  const received = async (seed: number, disorder: number, name = 'disordered'): Promise<string[]> => {
    await using bed = await startBed({ seed, disorder })
    const url = await bed.queue(name)
    for (let number = 0; number < 10; number++) await (name.endsWith('.fifo') ? bed.sendTo(url, 'g', `${number}`) : bed.send(url, `${number}`))
    return bodies(await bed.receive(url))
  }
  const sent = Array.from({ length: 10 }, (_, number) => `${number}`)

  it('is of standard queues, and of the seed', async () => {
    expect(await received(1, 1)).toEqual(sent)
    const first = await received(1, 5)
    expect(first).not.toEqual(sent)
    expect(first.toSorted()).toEqual(sent)
    expect(await received(1, 5)).toEqual(first)
    expect(await received(2, 5)).not.toEqual(first)
    expect(await received(1, 5, 'ordered.fifo')).toEqual(sent)
  })
})
