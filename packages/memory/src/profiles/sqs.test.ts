import type { Endpoint } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { kit } from '../test-support/kit.ts'
import { outgoing } from '../testing/builders.ts'
import { attributeBytes, isSqsText, sqsSize } from './sqs.ts'

// Section numbers are those of the broker semantics reference.

const ids = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`)
const attribute = (name: string, value: string) => Buffer.byteLength(name) + 'String'.length + Buffer.byteLength(value)
const plain = () => sqsSize(outgoing({ id: 'id', body: '' }))

describe.each(['sqs-standard', 'sqs-fifo'] as const)('%s: limits (1.1)', (profile) => {
  it('declares them', async () => {
    const { capabilities } = await kit({ profile })
    expect(capabilities()).toMatchObject({
      maxMessageBytes: 1_048_576,
      maxBatch: { messages: 10, bytes: 1_048_576 },
      settlement: { mode: 'individual', maxBatch: 10 },
      lease: { kind: 'message', ms: 30_000, maxMs: 43_200_000 },
      redelivery: { immediate: true, delayed: { maxMs: 43_200_000, keepsOrder: profile === 'sqs-fifo' } },
      deduplication: profile === 'sqs-fifo' ? { windowMs: 300_000 } : false,
      ordering: profile === 'sqs-fifo' ? 'key' : 'none',
      keyHold: profile === 'sqs-fifo' ? 'broker' : false,
    })
  })

  it('refuses an eleventh message in a request, as a whole', async () => {
    const { send, stats } = await kit({ profile })
    const results = await send(ids(11))
    expect(results).toHaveLength(11)
    expect(results.every((result) => !result.ok && result.stored === 'no' && result.error.code === 'ERR_INVALID')).toBe(true)
    expect((await stats()).ready).toBe(0)
  })

  it('accepts a message of exactly the limit and refuses one byte more (1.2)', async () => {
    const { send } = await kit({ profile })
    const overhead = sqsSize(outgoing({ id: 'x', body: '' }))
    const [exact] = await send([{ id: 'x', body: 'x'.repeat(1_048_576 - overhead) }])
    expect(exact?.ok).toBe(true)
    const [larger] = await send([{ id: 'x', body: 'x'.repeat(1_048_577 - overhead) }])
    expect(larger).toMatchObject({ ok: false, stored: 'no', error: { code: 'ERR_TOO_LARGE' } })
  })

  it('refuses a request whose sum is too large, as a whole (1.2)', async () => {
    const { send } = await kit({ profile })
    const results = await send([
      { id: 'a', body: 'x'.repeat(600_000) },
      { id: 'b', body: 'x'.repeat(600_000) },
    ])
    expect(results.map((result) => !result.ok && result.error.code)).toEqual(['ERR_TOO_LARGE', 'ERR_TOO_LARGE'])
  })

  it('keeps messages for four days', async () => {
    const { send, clock, stats } = await kit({ profile })
    await send(['a'])
    await clock.advance(345_599_999)
    expect((await stats()).ready).toBe(1)
    await clock.advance(1)
    expect((await stats()).ready).toBe(0)
  })

  it('gives at most ten messages at once and no more than 120,000 in flight in all (1.1)', async () => {
    const { send, consume, driver } = await kit({ profile })
    for (let batch = 0; batch < 3; batch++) await send(ids(10).map((id) => `${batch}-${id}`))
    const consumer = await consume({ window: { messages: 1_000 } })
    expect(consumer.intake.deliveries).toHaveLength(30)
    expect(driver.resources.queues.values().next().value?.behaviour).toMatchObject({ maxReceive: 10, maxInFlight: 120_000 })
  })

  it('has counts that are approximate, no age and no exact peek (1.12)', async () => {
    const { capabilities, stats, link } = await kit({ profile })
    expect(capabilities().stats).toEqual({ ready: 'approximate', inFlight: 'approximate', delayed: 'approximate', oldestAgeMs: 'none' })
    link.sender(endpointOf('orders'))
    expect((await stats()).oldestAgeMs).toBeUndefined()
    expect(['browse' in link, 'replies' in link]).toEqual([false, false])
  })

  it.each([
    ['topic', 'SQS has no topics', 'route it to the sns driver'],
    ['stream', 'SQS has no streams', 'kinesis'],
  ] as const)('refuses a %s with the remedy', async (kind, refused, remedy) => {
    const { driver, endpoint } = await kit({ profile })
    expect(driver.capabilities(endpoint({ kind }))).toEqual({ refused, remedy: expect.stringContaining(remedy) as string })
  })

  it('checks names: up to 80 letters, digits, hyphens and underscores, `.fifo` included', async () => {
    const { driver, endpoint } = await kit({ profile })
    // `.fifo` counts.
    const longest = profile === 'sqs-fifo' ? 75 : 80
    expect(driver.capabilities(endpoint({ name: 'x'.repeat(longest) }))).not.toHaveProperty('refused')
    for (const name of ['x'.repeat(longest + 1), 'a b', 'a/b', '']) expect(driver.capabilities(endpoint({ name })), name).toHaveProperty('refused')
  })
})

describe('SQS: size accounting (1.2)', () => {
  it('counts the UTF-8 bytes of the body', () => {
    expect(sqsSize(outgoing({ id: 'id', body: 'aé€😀' })) - plain()).toBe(1 + 2 + 3 + 4)
  })

  it('counts name, data type and value of each attribute', () => {
    expect(sqsSize(outgoing({ id: 'id', body: '', headers: { tenant: 'acme', n: '42' } })) - plain()).toBe(attribute('tenant', 'acme') + attribute('n', '42'))
  })

  it('counts the complete data type, labels included, and the bytes of binary values (vector of section 8: 42)', () => {
    expect(attributeBytes('tenant', 'acme') + attributeBytes('n', '42', 'Number.int') + attributeBytes('blob', 3, 'Binary')).toBe(42)
    expect(attributeBytes('a', 'é')).toBe(1 + 6 + 2)
  })

  it('packs headers beyond the eighth, and those that cannot be attributes, into one', () => {
    const eight = Object.fromEntries(ids(8).map((name) => [name, 'v']))
    const added =
      sqsSize(outgoing({ id: 'id', body: '', headers: { ...eight, ninth: 'v', tenth: 'w' } })) - sqsSize(outgoing({ id: 'id', body: '', headers: eight }))
    expect(added).toBe(attribute('busbar-headers', '{"ninth":"v","tenth":"w"}'))
    for (const [name, value] of [
      ['empty', ''],
      ['AWS.reserved', 'v'],
      ['two..dots', 'v'],
      ['with space', 'v'],
      ['control', '\u0001'],
    ] as const) {
      expect(sqsSize(outgoing({ id: 'id', body: '', headers: { [name]: value } })) - plain(), name).toBe(
        attribute('busbar-headers', JSON.stringify({ [name]: value })),
      )
    }
  })

  it('counts bytes, and text that SQS does not take, as base64', () => {
    const marker = attribute('busbar-encoding', 'base64')
    expect(sqsSize(outgoing({ id: 'id', body: new Uint8Array(10) })) - plain()).toBe(16 + marker)
    expect(sqsSize(outgoing({ id: 'id', body: 'ab\u0000' })) - plain()).toBe(4 + marker)
  })
})

describe('SQS: content rules (1.3)', () => {
  it.each(['\t\n\r', ' ', '\u{D7FF}', '\u{E000}', '\u{FFFD}', '\u{10000}', '\u{10FFFF}', '😀'])('takes %j', (text) => {
    expect(isSqsText(text)).toBe(true)
  })

  it.each(['', '\u0000', 'a\u0008', '\u000B', '\u001F', '\uFFFE', '\uFFFF', '\uD800', 'a\uDC00b'])('does not take %j as it is', (text) => {
    expect(isSqsText(text)).toBe(false)
  })

  it('fails an entry with an illegal header alone; the others are stored', async () => {
    const { send, stats } = await kit({ profile: 'sqs-standard' })
    const results = await send([{ id: 'a' }, { id: 'b', headers: { h: '\uFFFF' } }, { id: 'c' }])
    expect(results.map((result) => result.ok)).toEqual([true, false, true])
    expect((await stats()).ready).toBe(2)
  })
})

describe('SQS standard: visibility and delay (1.6, 1.7)', () => {
  it('an expired receipt still deletes, as long as nobody has the message', async () => {
    const { send, consume, clock, stats } = await kit({ profile: 'sqs-standard' })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(0)
    await consumer.receiver.pause()
    await clock.advance(31_000)
    expect((await stats()).ready).toBe(1)
    expect(await consumer.settle('ack', 'a')).toEqual(['durable'])
    expect((await stats()).ready).toBe(0)
    expect(await consumer.settle('ack', 'a')).toEqual(['durable'])
  })

  it('an expired receipt touches nothing once another has the message', async () => {
    const { send, consume, clock, stats } = await kit({ profile: 'sqs-standard' })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(0)
    const old = consumer.last('a')
    await clock.advance(30_000)
    expect(
      await consumer.receiver.settle([
        { delivery: old, action: 'ack' },
        { delivery: old, action: 'retry', delayMs: 0, attempt: 1 },
      ]),
    ).toEqual(['too-late', 'too-late'])
    expect((await stats()).inFlight).toBe(1)
  })

  it('the twelve-hour ceiling counts from the receive and is an error, not a clamp', async () => {
    const { send, consume, clock } = await kit({ profile: 'sqs-standard' })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(1_000)
    const [extended, retried] = [await consumer.extend(43_200_000, 'a'), await consumer.retry(43_200_000, 'a')]
    for (const [result] of [extended, retried]) expect(result).toMatchObject({ error: { code: 'ERR_INVALID' } })
    expect(await consumer.retry(43_199_000, 'a')).toEqual(['durable'])
  })

  it('counts every receive, releases too', async () => {
    const { send, consume, capabilities } = await kit({ profile: 'sqs-standard' })
    const consumer = await consume()
    await send(['a'])
    await Promise.resolve()
    await consumer.settle('release', 'a')
    expect(consumer.last('a').brokerAttempts).toBe(2)
    expect(capabilities().releaseCounts).toBe(true)
  })

  it('delays up to 900 s, in whole seconds rounded up', async () => {
    const { send, consume, clock, capabilities } = await kit({ profile: 'sqs-standard' })
    expect(capabilities().delay).toEqual({ maxMs: 900_000, resolutionMs: 1_000 })
    const consumer = await consume()
    await send([{ id: 'a', delayMs: 1_001 }])
    await clock.advance(1_999)
    expect(consumer.intake.take()).toEqual([])
    await clock.advance(1)
    expect(consumer.intake.take()).toEqual(['a'])
  })

  it('a message without a delay takes that of the queue', async () => {
    const { send, consume, endpoint, clock } = await kit({ profile: 'sqs-standard' })
    const orders = endpoint({ options: { queueDelayMs: 5_000 } })
    const consumer = await consume({ endpoint: orders })
    await send(['default', { id: 'own', delayMs: 1_000 }, { id: 'none', delayMs: 0 }], orders)
    await clock.advance(0)
    expect(consumer.intake.take()).toEqual(['none'])
    await clock.advance(1_000)
    expect(consumer.intake.take()).toEqual(['own'])
    await clock.advance(4_000)
    expect(consumer.intake.take()).toEqual(['default'])
  })

  it('mixes the order when asked to, the same way for the same seed (1.8)', async () => {
    const order = async (seed: number) => {
      const { send, consume } = await kit({ profile: 'sqs-standard', disorder: 5, seed })
      await send(ids(10))
      return (await consume()).intake.take()
    }
    expect(await order(1)).not.toEqual(ids(10))
    expect(await order(1)).toEqual(await order(1))
    expect(new Set(await order(2))).toEqual(new Set(ids(10)))
  })

  it('promises no order and gives the group id no meaning', async () => {
    const { send, consume, capabilities } = await kit({ profile: 'sqs-standard' })
    expect(capabilities()).toMatchObject({ ordering: 'none', keyHold: false })
    await send([
      { id: 'a', key: 'k' },
      { id: 'b', key: 'k' },
    ])
    const [first, second] = [await consume({ window: { messages: 1 } }), await consume({ window: { messages: 1 } })]
    expect([...first.intake.take(), ...second.intake.take()]).toEqual(['a', 'b'])
  })
})

describe('SQS standard: dead letters (1.10)', () => {
  it('delivers N times; the next receive moves the message with its id, its count and its age', async () => {
    const { send, consume, endpoint, clock, stats } = await kit({ profile: 'sqs-standard' })
    const orders = endpoint({ deadLetterName: 'orders.dead', options: { deliveryLimit: 3 } })
    const deadLetters = endpoint({ name: 'orders.dead', keyed: false })
    const consumer = await consume({ endpoint: orders })
    await send(['a'], orders)
    await clock.advance(86_400_000 * 3)
    expect(consumer.intake.take()).toEqual(['a', 'a', 'a'])
    await clock.advance(86_400_000 - 1)
    expect(await stats(deadLetters)).toMatchObject({ ready: 1 })
    await clock.advance(1)
    expect(await stats(deadLetters)).toMatchObject({ ready: 0 })
  })
})

function endpointOf(name: string): Endpoint {
  return { destination: name, kind: 'queue', name, keyed: true, maxAttempts: 0, options: {} }
}
