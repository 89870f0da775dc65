import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Outgoing, SendResult } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { endpoint, FakeSqs, outgoing, serviceError } from './test-support/fake-sqs.ts'

const never = new AbortController().signal

type Entry = Readonly<Record<string, unknown>>

async function send(
  fake: FakeSqs,
  batches: readonly (readonly Outgoing[])[],
  parts: Parameters<typeof endpoint>[0] = {},
): Promise<readonly (readonly SendResult[])[]> {
  const sender = (await fake.link()).sender(endpoint(parts))
  const results: (readonly SendResult[])[] = []
  for (const batch of batches) results.push(await sender.send(batch, never))
  return results
}

function entries(fake: FakeSqs): readonly Entry[] {
  return fake.named('SendMessageBatch').flatMap(({ input }) => input['Entries'] as unknown as Entry[])
}

function takesAll(fake: FakeSqs): FakeSqs {
  fake.on('SendMessageBatch', ({ Entries }) => ({ Successful: (Entries as unknown as Entry[]).map(({ Id }) => ({ Id, MessageId: `sqs-${String(Id)}` })) }))
  return fake
}

it('asks for the URL of a queue once and sends a batch in one call', async () => {
  const fake = takesAll(new FakeSqs())
  const results = await send(fake, [[outgoing({ id: 'a' }), outgoing({ id: 'b' })], [outgoing({ id: 'c' })]])
  expect(results.flat()).toEqual([
    { ok: true, id: 'sqs-0' },
    { ok: true, id: 'sqs-1' },
    { ok: true, id: 'sqs-0' },
  ])
  expect(fake.calls.map(({ name }) => name)).toEqual(['GetQueueUrl', 'SendMessageBatch', 'SendMessageBatch'])
})

it('answers for every entry by itself', async () => {
  const fake = new FakeSqs()
  fake.on('SendMessageBatch', () => ({
    Successful: [{ Id: '2', MessageId: 'c' }],
    Failed: [
      { Id: '0', Code: 'InternalError', SenderFault: false, Message: 'again' },
      { Id: '1', Code: 'InvalidMessageContents', SenderFault: true, Message: 'characters' },
    ],
  }))
  const [results] = await send(fake, [['a', 'b', 'c', 'd'].map((id) => outgoing({ id }))])
  expect(results).toMatchObject([
    { ok: false, stored: 'no', error: { code: 'ERR_UNAVAILABLE', retryable: true } },
    { ok: false, stored: 'no', error: { code: 'ERR_INVALID', retryable: false } },
    { ok: true, id: 'c' },
    { ok: false, stored: 'unknown', error: { code: 'ERR_UNCONFIRMED' } },
  ])
})

it.each([
  [Object.assign(new Error('reset'), { code: 'ECONNRESET' }), 'unknown', 'ERR_UNAVAILABLE'],
  [Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), 'no', 'ERR_UNAVAILABLE'],
  [serviceError('InternalFailure', 'oops', 500), 'unknown', 'ERR_UNAVAILABLE'],
  [serviceError('RequestThrottled', 'slow down'), 'no', 'ERR_THROTTLED'],
  [serviceError('BatchRequestTooLong', 'sum'), 'no', 'ERR_TOO_LARGE'],
])('says of %s that the messages are stored: %s', async (error, stored, code) => {
  const fake = new FakeSqs()
  fake.on('SendMessageBatch', () => {
    throw error
  })
  expect((await send(fake, [[outgoing(), outgoing()]])).flat()).toMatchObject([
    { ok: false, stored, error: { code } },
    { ok: false, stored, error: { code } },
  ])
})

it('gives up on an answer that does not come in time', async () => {
  const fake = new FakeSqs()
  fake.on('SendMessageBatch', (_, signal) => fake.after(3_600_000, {}, signal))
  const sender = (await fake.link({ timeoutMs: 5_000 })).sender(endpoint())
  const sending = sender.send([outgoing()], never)
  await fake.clock.advance(5_000)
  expect(await sending).toMatchObject([{ ok: false, stored: 'unknown', error: { code: 'ERR_UNAVAILABLE', retryable: true } }])
  expect(fake.named('SendMessageBatch')[0]?.signal.aborted).toBe(true)
})

it('asks for the URL again after the queue was gone', async () => {
  const fake = new FakeSqs()
  fake.on('SendMessageBatch', () => {
    throw serviceError('AWS.SimpleQueueService.NonExistentQueue', 'gone')
  })
  expect((await send(fake, [[outgoing()], [outgoing()]])).flat()).toMatchObject([{ error: { code: 'ERR_NOT_FOUND' } }, { error: { code: 'ERR_NOT_FOUND' } }])
  expect(fake.named('GetQueueUrl')).toHaveLength(2)
})

it('hands nothing over once core has no time left', async () => {
  const fake = takesAll(new FakeSqs())
  const results = await (await fake.link()).sender(endpoint()).send([outgoing()], AbortSignal.abort())
  expect(results).toMatchObject([{ ok: false, stored: 'no', error: { code: 'ERR_TIMEOUT' } }])
  expect(fake.named('SendMessageBatch')).toHaveLength(0)
})

it('rounds delays up to seconds, and sends an explicit 0', async () => {
  const fake = takesAll(new FakeSqs())
  await send(fake, [[undefined, 0, 1, 1_000, 1_001, 900_000].map((delayMs) => outgoing({ delayMs }))])
  expect(entries(fake).map(({ DelaySeconds }) => DelaySeconds)).toEqual([undefined, 0, 1, 1, 2, 900])
})

it('refuses what the queue does not have before the service refuses the whole batch', async () => {
  const fake = takesAll(new FakeSqs())
  const standard = [{ delayMs: 900_001 }, { deduplicationId: 'd' }, { timeToLiveMs: 1 }, { priority: 1 }, { body: 'x'.repeat(1_048_577) }, {}]
  const fifo = [
    { delayMs: 1_000, key: 'k' },
    { key: 'with space' },
    { key: 'k'.repeat(129) },
    { key: 'busbar-unkeyed:x' },
    { key: 'k', deduplicationId: '' },
    { key: 'k' },
  ]
  const codes = async (messages: readonly Partial<Outgoing>[], keyed: boolean): Promise<unknown[]> =>
    (await send(fake, [messages.map((parts) => outgoing(parts))], { keyed })).flat().map((result) => (result.ok ? 'ok' : [result.error.code, result.stored]))
  const unsupported = ['ERR_UNSUPPORTED', 'no']
  const invalid = ['ERR_INVALID', 'no']
  expect(await codes(standard, false)).toEqual([invalid, unsupported, unsupported, unsupported, ['ERR_TOO_LARGE', 'no'], 'ok'])
  expect(await codes(fifo, true)).toEqual([unsupported, invalid, invalid, invalid, invalid, 'ok'])
  expect(fake.named('SendMessageBatch')).toHaveLength(2)
})

it('says what is wrong with a key that has the legal characters', async () => {
  const [results] = await send(takesAll(new FakeSqs()), [[outgoing({ key: 'busbar-unkeyed:x' })]], { keyed: true })
  expect(results).toMatchObject([{ ok: false, error: { message: expect.stringContaining('does not begin with busbar-unkeyed:') } }])
})

it('makes a deduplication id per message, the same when core sends it again, unless one was opted in', async () => {
  const fake = new FakeSqs()
  fake.on('SendMessageBatch', () => {
    throw Object.assign(new Error('reset'), { code: 'ECONNRESET' })
  })
  const message = outgoing({ key: 'k' })
  await send(fake, [[message], [outgoing({ key: 'k' })], [message], [outgoing({ key: 'k', deduplicationId: 'mine' })]], { keyed: true })
  const [first, other, again, mine] = entries(fake).map(({ MessageDeduplicationId }) => MessageDeduplicationId)
  expect(first).toMatch(/^[!-~]{1,128}$/)
  expect(again).toBe(first)
  expect(other).not.toBe(first)
  expect(mine).toBe('mine')
})

it('takes the ordering key for the group, and a group of its own for each message without a key', async () => {
  const fake = takesAll(new FakeSqs())
  await send(fake, [[outgoing({ key: 'truck-7' }), outgoing(), outgoing()]], { keyed: true })
  const groups = entries(fake).map(({ MessageGroupId }) => MessageGroupId)
  expect(groups[0]).toBe('truck-7')
  expect(new Set(groups).size).toBe(3)
})

it('gives messages without a key that repeat each other the same group, within which queues with high throughput compare', async () => {
  const fake = takesAll(new FakeSqs())
  const repeated = 'i'.repeat(128)
  await send(fake, [[repeated, repeated, 'other'].map((deduplicationId) => outgoing({ deduplicationId }))], { options: { fifo: true } })
  const [first, repeat, other] = entries(fake).map(({ MessageGroupId }) => String(MessageGroupId))
  expect(repeat).toBe(first)
  expect(other).not.toBe(first)
  expect(first).toMatch(/^[!-~]{1,128}$/)
})

it('names the tenant of a fair queue by a header, and never by the ordering key', async () => {
  const fake = takesAll(new FakeSqs())
  await send(fake, [[outgoing({ headers: { tenant: 'acme' }, key: 'k' }), outgoing({ key: 'k' })]], { options: { tenantHeader: 'tenant' } })
  expect(entries(fake).map(({ MessageGroupId }) => MessageGroupId)).toEqual(['acme', undefined])
  expect(await send(fake, [[outgoing({ headers: { tenant: 'two words' } })]], { options: { tenantHeader: 'tenant' } })).toMatchObject([
    [{ error: { code: 'ERR_INVALID' } }],
  ])
})

it('keeps little of what it was asked the size of and is never given to send', async () => {
  setFlagsFromString('--expose_gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const sender = (await new FakeSqs().link()).sender(endpoint())
  const asked = Array.from({ length: 64 }, (_, index) => {
    const message = outgoing({ id: `m-${index}`, body: 'x'.repeat(1_000_000) })
    expect(sender.sizeOf(message)).toBeGreaterThan(1_000_000)
    return new WeakRef(message)
  })
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  expect(asked.filter((message) => message.deref() !== undefined).length).toBeLessThan(17)
})
