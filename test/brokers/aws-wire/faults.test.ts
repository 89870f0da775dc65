import { connect, type Socket } from 'node:net'
import { DeleteMessageBatchCommand, KmsThrottled, ListQueuesCommand, RequestThrottled, SendMessageBatchCommand, SQSClient } from '@aws-sdk/client-sqs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bodies, refusal, startBed, type Bed } from './test-support/bed.ts'

let bed: Bed
let url = ''
let made = 0

beforeAll(async () => {
  bed = await startBed()
})

beforeEach(async () => {
  bed.wire.faults.clear()
  url = await bed.queue(`faulty-${++made}`)
})

afterAll(() => bed[Symbol.asyncDispose]())

const batch = (...ids: string[]): SendMessageBatchCommand => new SendMessageBatchCommand({ QueueUrl: url, Entries: ids.map((Id) => ({ Id, MessageBody: Id })) })

describe('errors', () => {
  it.each<[string, string, number]>([
    ['RequestThrottled', 'RequestThrottled', 403],
    ['KmsThrottled', 'KMS.ThrottlingException', 400],
    ['KmsAccessDenied', 'KMS.AccessDeniedException', 400],
    ['OverLimit', 'OverLimit', 403],
    ['AccessDenied', 'AccessDenied', 403],
    ['ThrottlingException', 'ThrottlingException', 400],
    ['InternalFailure', 'InternalFailure', 500],
    ['ServiceUnavailable', 'ServiceUnavailable', 503],
  ])('%s is answered by its names, and nothing done', async (name, code, status) => {
    const fault = bed.wire.faults.add({ action: 'SendMessage', fault: { kind: 'error', name } })
    expect(await refusal(bed.send(url, 'a'))).toMatchObject({ name, code, status })
    expect(fault.hits).toBe(1)
    expect(await bed.receive(url)).toEqual([])
    await bed.send(url, 'a')
    expect(bodies(await bed.receive(url))).toEqual(['a'])
  })

  it('are of the classes of the SDK', async () => {
    bed.wire.faults.add({ fault: { kind: 'error', name: 'RequestThrottled' } })
    await expect(bed.send(url, 'a')).rejects.toBeInstanceOf(RequestThrottled)
    bed.wire.faults.add({ fault: { kind: 'error', name: 'KmsThrottled' } })
    await expect(bed.send(url, 'a')).rejects.toBeInstanceOf(KmsThrottled)
  })

  it('that are throttles or the fault of the service are retried by the SDK, others are not', async () => {
    const { endpoint, region, credentials } = bed.wire
    const patient = new SQSClient({ endpoint, region, credentials })
    for (const name of ['RequestThrottled', 'InternalFailure']) {
      bed.wire.faults.add({ action: 'ListQueues', fault: { kind: 'error', name }, times: 2 })
      await patient.send(new ListQueuesCommand({}))
    }
    bed.wire.faults.add({ action: 'ListQueues', fault: { kind: 'error', name: 'KmsThrottled' } })
    await expect(patient.send(new ListQueuesCommand({}))).rejects.toMatchObject({ name: 'KmsThrottled' })
    patient.destroy()
  })
})

describe('a rule', () => {
  it('strikes its action and resource, as often as it says', async () => {
    const other = await bed.queue(`other-${made}`)
    const fault = bed.wire.faults.add({ action: 'SendMessage', resource: `faulty-${made}`, fault: { kind: 'error', name: 'OverLimit' }, times: 2 })
    await bed.send(other, 'a')
    await bed.receive(url)
    await expect(bed.send(url, 'a')).rejects.toMatchObject({ name: 'OverLimit' })
    await expect(bed.send(url, 'a')).rejects.toMatchObject({ name: 'OverLimit' })
    await bed.send(url, 'a')
    expect(fault.hits).toBe(2)
  })

  it('strikes any of several actions, once in all', async () => {
    const fault = bed.wire.faults.add({ action: ['SendMessage', 'SendMessageBatch'], fault: { kind: 'error', name: 'OverLimit' } })
    await bed.receive(url)
    await expect(bed.sqs.send(batch('a'))).rejects.toMatchObject({ name: 'OverLimit' })
    await bed.send(url, 'a')
    expect(fault.hits).toBe(1)
  })

  it('can be taken back', async () => {
    const fault = bed.wire.faults.add({ fault: { kind: 'error', name: 'OverLimit' }, times: Infinity })
    await expect(bed.send(url, 'a')).rejects.toMatchObject({ name: 'OverLimit' })
    fault.remove()
    await bed.send(url, 'a')
  })

  it('must be one', () => {
    expect(() => bed.wire.faults.add({ fault: { kind: 'explode' } } as never)).toThrow(TypeError)
    expect(() => bed.wire.faults.add({ queue: 'a', fault: { kind: 'error', name: 'x' } } as never)).toThrow(TypeError)
    expect(() => bed.wire.faults.add({ times: 0, fault: { kind: 'error', name: 'x' } })).toThrow(RangeError)
  })
})

describe('connections', () => {
  it('reset before acting leave nothing', async () => {
    bed.wire.faults.add({ action: 'SendMessage', fault: { kind: 'reset', when: 'before' } })
    await expect(bed.send(url, 'a')).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(await bed.receive(url)).toEqual([])
  })

  it('reset after acting lose the answer only', async () => {
    bed.wire.faults.add({ action: 'SendMessage', fault: { kind: 'reset', when: 'after' } })
    await expect(bed.send(url, 'a')).rejects.toMatchObject({ code: 'ECONNRESET' })
    const [message] = await bed.receive(url)
    expect(message?.Body).toBe('a')
    bed.wire.faults.add({ action: 'DeleteMessage', fault: { kind: 'reset', when: 'after' } })
    await expect(bed.delete(url, message)).rejects.toMatchObject({ code: 'ECONNRESET' })
    await bed.clock.advance(30_000)
    expect(await bed.receive(url)).toEqual([])
  })

  it('can be cut while a poll waits', async () => {
    const before = bed.wire.calls.count('ReceiveMessage')
    const waiting = bed.receive(url, { WaitTimeSeconds: 20 })
    waiting.catch(() => {})
    await expect.poll(() => bed.wire.calls.count('ReceiveMessage'), { timeout: 10_000 }).toBe(before + 1)
    bed.wire.faults.cutConnections()
    await expect(waiting).rejects.toMatchObject({ code: 'ECONNRESET' })
    await bed.send(url, 'a')
    expect(bodies(await bed.receive(url))).toEqual(['a'])
  })

  it('are refused during an outage', async () => {
    const outage = bed.wire.faults.outage()
    await expect(bed.send(url, 'a')).rejects.toMatchObject({ code: 'ECONNRESET' })
    outage.end()
    await bed.send(url, 'b')
    expect(bodies(await bed.receive(url))).toEqual(['b'])
  })
})

describe('a request', () => {
  const send = (head: string, body: string): Promise<Socket> =>
    new Promise((resolve) => {
      const socket = connect(Number(new URL(bed.wire.endpoint).port), '127.0.0.1', () => socket.write(`${head}\r\n\r\n${body}`, () => resolve(socket)))
      socket.on('error', () => {})
    })

  it('whose client goes in the middle of it, and one that never ends, harm nobody', async () => {
    const half = await send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100', 'half of it')
    half.resetAndDestroy()
    const endless = await send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000', 'x'.repeat(20_000_000))
    if (!endless.closed) await new Promise((resolve) => endless.once('close', resolve))
    await bed.send(url, 'a')
    expect(bodies(await bed.receive(url))).toEqual(['a'])
  })

  it('that is no JSON is refused', async () => {
    const answer = await fetch(bed.wire.endpoint, { method: 'POST', headers: { 'x-amz-target': 'AmazonSQS.ListQueues' }, body: 'no JSON' })
    expect(answer.status).toBe(400)
    expect(await answer.json()).toMatchObject({ __type: 'com.amazonaws.sqs#SerializationException' })
  })
})

describe('entries of a batch', () => {
  it('fail alone, without the fault of the sender unless it is said', async () => {
    bed.wire.faults.add({ action: 'SendMessageBatch', fault: { kind: 'fail-entries', entries: [1] } })
    const part = await bed.sqs.send(batch('a', 'b', 'c'))
    expect(part.Successful?.map(({ Id }) => Id)).toEqual(['a', 'c'])
    expect(part.Failed).toEqual([{ Id: 'b', Code: 'InternalFailure', SenderFault: false, Message: 'A scripted failure' }])
    bed.wire.faults.add({ action: 'SendMessageBatch', fault: { kind: 'fail-entries', entries: [0, 1], code: 'AccessDenied', senderFault: true } })
    const none = await bed.sqs.send(batch('d', 'e'))
    expect(none.Successful).toBeUndefined()
    expect(none.Failed).toMatchObject([
      { Id: 'd', Code: 'AccessDenied', SenderFault: true },
      { Id: 'e', Code: 'AccessDenied', SenderFault: true },
    ])
    expect(bodies(await bed.receive(url))).toEqual(['a', 'c'])
  })

  it('are waited for by the rule', async () => {
    const fault = bed.wire.faults.add({ action: ['SendMessage', 'SendMessageBatch'], fault: { kind: 'fail-entries', entries: [0] } })
    await bed.send(url, 'single')
    expect(fault.hits).toBe(0)
    expect((await bed.sqs.send(batch('a'))).Failed).toHaveLength(1)
    expect(fault.hits).toBe(1)
  })

  it('of deletes are not deleted', async () => {
    await bed.sqs.send(batch('a', 'b'))
    const Entries = (await bed.receive(url)).map(({ ReceiptHandle }, index) => ({ Id: `${index}`, ReceiptHandle }))
    bed.wire.faults.add({ action: 'DeleteMessageBatch', fault: { kind: 'fail-entries', entries: [0] } })
    const { Failed } = await bed.sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }))
    expect(Failed).toMatchObject([{ Id: '0', SenderFault: false }])
    await bed.clock.advance(30_000)
    expect(bodies(await bed.receive(url))).toEqual(['a'])
  })
})

describe('a delay', () => {
  it.each(['before', 'after'] as const)('holds the request %s it is acted upon', async (when) => {
    bed.wire.faults.add({ action: 'SendMessage', fault: { kind: 'delay', when, ms: 5_000 } })
    const { pending } = bed.clock
    const sent = bed.send(url, 'a')
    await expect.poll(() => bed.clock.pending, { timeout: 10_000 }).toBe(pending + 1)
    expect(await bed.receive(url)).toHaveLength(when === 'before' ? 0 : 1)
    await bed.clock.advance(5_000)
    await sent
  })
})

describe('calls', () => {
  it('are counted by action and queue, whatever the answer', async () => {
    bed.wire.calls.reset()
    await bed.send(url, 'a')
    bed.wire.faults.add({ action: 'SendMessage', fault: { kind: 'error', name: 'OverLimit' } })
    await refusal(bed.send(url, 'b'))
    await bed.sqs.send(new ListQueuesCommand({}))
    expect(bed.wire.calls.count('SendMessage', `faulty-${made}`)).toBe(2)
    expect(bed.wire.calls.count('SendMessage', 'another')).toBe(0)
    expect(bed.wire.calls.count()).toBe(3)
    expect(bed.wire.calls.byAction()).toEqual({ SendMessage: 2, ListQueues: 1 })
  })
})
