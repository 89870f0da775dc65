import { queue, text, type Broker, type Logger, type Queue } from '@busbar/core'
import { sqs } from '@busbar/sqs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { brokerOn, connection, unique, wire } from './support/wire.ts'

beforeEach(() => wire.calls.reset())
afterEach(() => wire.faults.clear())

function plain(): Queue<string> {
  return queue<string>(unique('plain'), { codec: text })
}

/** The key is what stands before the colon. */
function keyed(): Queue<string> {
  return queue<string>(unique('keyed'), { codec: text, orderingKey: (body) => body.split(':', 1)[0] ?? '' })
}

/** Takes `count` messages and drains. */
async function take(broker: Broker, destination: Queue<string>, count: number): Promise<string[]> {
  const taken: string[] = []
  const consumer = await broker.consume(destination, ({ body }) => void taken.push(body))
  await vi.waitUntil(() => taken.length >= count, 10_000)
  await consumer.drain()
  return taken
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => `m-${index}`)

describe('what SQS throttles', () => {
  const names = ['RequestThrottled', 'KmsThrottled', 'OverLimit', 'ServiceUnavailable']

  async function sendThrough(name: string): Promise<void> {
    const work = plain()
    await using broker = brokerOn([work])
    await broker.start()
    const rule = wire.faults.add({ action: 'SendMessageBatch', resource: work.name, fault: { kind: 'error', name }, times: 4 })
    const startedAt = performance.now()
    await broker.producer(work).send('hello')
    expect([name, rule.hits, wire.calls.count('SendMessageBatch', work.name)]).toEqual([name, 4, 5])
    // Jitter may take half of each pause.
    expect(performance.now() - startedAt).toBeGreaterThan(150)
    expect(await take(broker, work, 1)).toEqual(['hello'])
  }

  it('is sent again after growing pauses', async () => {
    await Promise.all(names.map(sendThrough))
  })

  async function receiveThrough(name: string): Promise<void> {
    const work = plain()
    const failures = new Set<unknown>()
    const log: Logger = (_level, event, data) => void (event === 'receiver:failed' && failures.add(data['code']))
    await using broker = brokerOn([work], { retryMaxMs: 10_000 }, { log })
    await broker.producer(work).send('hello')
    const rule = wire.faults.add({ action: 'ReceiveMessage', resource: work.name, fault: { kind: 'error', name }, times: Infinity })
    const taken: string[] = []
    await broker.consume(work, ({ body }) => void taken.push(body))
    await vi.waitUntil(() => rule.hits >= 3, 5_000)
    const before = rule.hits
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    // Pauses of 100, 200, 400 … ms, at least half of each.
    expect(rule.hits - before).toBeLessThanOrEqual(3)
    expect([...failures]).toEqual([name === 'ServiceUnavailable' ? 'ERR_UNAVAILABLE' : 'ERR_THROTTLED'])
    expect((await broker.health()).ok).toBe(false)
    rule.remove()
    await vi.waitUntil(() => taken.length === 1, 10_000)
    expect((await broker.health()).ok).toBe(true)
  }

  it('is asked for less and less often, and received in the end', async () => {
    await Promise.all(names.map(receiveThrough))
  })
})

describe('a batch of which a part fails', () => {
  it('is sent again as far as it may succeed then, and told to have failed where it is the sender’s fault', async () => {
    const work = plain()
    await using broker = brokerOn([work])
    await broker.start()
    wire.faults.add({ action: 'SendMessageBatch', resource: work.name, fault: { kind: 'fail-entries', entries: [2, 5] } })
    wire.faults.add({
      action: 'SendMessageBatch',
      resource: work.name,
      fault: { kind: 'fail-entries', entries: [7], code: 'InvalidMessageContents', senderFault: true },
    })
    const results = await broker.producer(work).sendBatch(numbers(10))
    expect(results.flatMap((result, index) => (result.ok ? [] : [[index, result.stored, (result.error as { code?: string }).code]]))).toEqual([
      [7, 'no', 'ERR_INVALID'],
    ])
    expect(wire.calls.count('SendMessageBatch', work.name)).toBe(2)
    // Each once: what was stored was not sent again.
    expect((await take(broker, work, 9)).toSorted()).toEqual(numbers(10).filter((body) => body !== 'm-7'))
  })

  it('never reorders a key: a request holds one message of it, and the next waits for its answer', async () => {
    const work = keyed()
    await using broker = brokerOn([work])
    await broker.start()
    const bodies = Array.from({ length: 30 }, (_, index) => `${'abc'[index % 3]}:${Math.floor(index / 3)}`)
    for (const entries of [[0], [1], [0, 2], [0, 1, 2]])
      wire.faults.add({ action: 'SendMessageBatch', resource: `${work.name}.fifo`, fault: { kind: 'fail-entries', entries } })
    wire.faults.add({ action: 'SendMessageBatch', resource: `${work.name}.fifo`, fault: { kind: 'reset', when: 'after' } })
    await Promise.all(bodies.map((body) => broker.producer(work).send(body)))
    const taken = await take(broker, work, 30)
    for (const key of 'abc') expect(taken.filter((body) => body.startsWith(key))).toEqual(bodies.filter((body) => body.startsWith(key)))
    expect(taken).toHaveLength(30)
    // Ten of each key, one of each to a request.
    expect(wire.calls.count('SendMessageBatch', `${work.name}.fifo`)).toBeGreaterThanOrEqual(10)
  })
})

describe('bad input', () => {
  it('a denied action is told as such at once, and what was refused is sent when it is allowed', async () => {
    const work = plain()
    await using broker = brokerOn([work])
    await broker.start()
    const rule = wire.faults.add({ action: 'SendMessageBatch', fault: { kind: 'error', name: 'AccessDenied' }, times: Infinity })
    await expect(broker.producer(work).send('hello')).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED', retryable: false })
    expect(rule.hits).toBe(1)
    rule.remove()
    await broker.producer(work).send('hello')
    expect(await take(broker, work, 1)).toEqual(['hello'])
  })

  it('a queue that may not be looked at is not taken for one that is missing', async () => {
    const work = plain()
    wire.faults.add({ action: 'GetQueueUrl', fault: { kind: 'error', name: 'AccessDenied' }, times: Infinity })
    await expect(brokerOn([work]).start()).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED', message: expect.stringContaining(work.name) })
    expect(wire.calls.count('CreateQueue')).toBe(0)
  })

  it('what may not be acked any more comes again, and is acked without being handled twice', async () => {
    const work = plain()
    await using broker = brokerOn([work], { visibilityTimeoutMs: 2_000 })
    await broker.producer(work).send('hello')
    const rule = wire.faults.add({
      action: ['DeleteMessageBatch', 'ChangeMessageVisibilityBatch'],
      fault: { kind: 'error', name: 'AccessDenied' },
      times: Infinity,
    })
    const starts = vi.fn<() => void>()
    await broker.consume(work, () => starts())
    await vi.waitUntil(() => rule.hits > 0, 5_000)
    rule.remove()
    await vi.waitUntil(
      async () => {
        const { ready, inFlight } = await broker.stats(work)
        return ready === 0 && inFlight === 0
      },
      { timeout: 10_000, interval: 200 },
    )
    expect(starts).toHaveBeenCalledTimes(1)
  })

  it('the wrong region has no such queue, and credentials that nobody knows are refused', async () => {
    const work = plain()
    await using broker = brokerOn([work])
    await broker.start()
    const elsewhere = brokerOn([work], {}, { driver: sqs({ ...connection, region: 'eu-west-1' }), provision: 'verify' })
    await expect(elsewhere.start()).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', message: expect.stringContaining(work.name) })
    const stranger = brokerOn([work], {}, { driver: sqs({ ...connection, credentials: { accessKeyId: 'AKIANOBODY', secretAccessKey: 'x' } }) })
    await expect(stranger.start()).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED', message: expect.not.stringContaining('secret') })
  })

  it('more bytes than a request holds go in several, and a message that is too large fails alone', async () => {
    const work = plain()
    await using broker = brokerOn([work])
    await broker.start()
    const bodies = [...Array.from({ length: 12 }, (_, index) => `${index}${'x'.repeat(200_000)}`), 'y'.repeat(1_048_577)]
    const results = await broker.producer(work).sendBatch(bodies)
    expect(results.map((result) => (result.ok ? 'ok' : (result.error as { code?: string }).code))).toEqual([
      ...Array.from({ length: 12 }, () => 'ok'),
      'ERR_TOO_LARGE',
    ])
    expect(wire.calls.count('SendMessageBatch', work.name)).toBe(3)
    expect(new Set(await take(broker, work, 12)).size).toBe(12)
  })

  it('characters that SQS refuses travel in bodies, and are refused in headers and keys before anything is sent', async () => {
    const [work, ordered] = [plain(), keyed()]
    await using broker = brokerOn([work, ordered])
    const received: string[] = []
    await broker.consume(work, ({ body, headers }) => void received.push(body, headers['odd'] ?? 'none'))
    await broker.producer(work).send('a\u0000b\uFFFE', { headers: { odd: '' } })
    await vi.waitUntil(() => received.length === 2, 5_000)
    expect(received).toEqual(['a\u0000b\uFFFE', ''])
    await expect(broker.producer(work).send('x', { headers: { odd: '\uFFFE' } })).rejects.toThrow(TypeError)
    const results = await broker.producer(ordered).sendBatch(['two words: no', 'fine: yes', `${'k'.repeat(129)}: no`])
    expect(results.map((result) => (result.ok ? 'ok' : (result.error as { code?: string }).code))).toEqual(['ERR_INVALID', 'ok', 'ERR_INVALID'])
  })
})
