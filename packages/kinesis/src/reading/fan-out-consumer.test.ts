import { expect, it } from 'vitest'
import { FakeKinesis, serviceError } from '../test-support/fake-kinesis.ts'
import { apiOf, servicesOf, stream } from '../test-support/reading.ts'
import { FanOutConsumer } from './fan-out-consumer.ts'

const never = new AbortController().signal

function consumerOf(fake: FakeKinesis, register: boolean): FanOutConsumer {
  return new FanOutConsumer({ api: apiOf(fake), services: servicesOf(fake), stream, name: 'tracker', register })
}

/** Answers with one status after the other; `undefined` is none. The last one stays. */
function statuses(fake: FakeKinesis, ...all: readonly (string | undefined)[]): void {
  let index = 0
  fake.on('DescribeStreamConsumer', () => {
    const status = all[Math.min(index++, all.length - 1)]
    if (status === undefined) throw serviceError('ResourceNotFoundException')
    return { ConsumerDescription: { ConsumerStatus: status, ConsumerARN: 'arn-1' } }
  })
}

/** What the promise is settled with after so long. */
async function outcome(fake: FakeKinesis, promise: Promise<unknown>, ms: number): Promise<unknown> {
  const settled: unknown[] = []
  promise.then(
    (value) => settled.push(value),
    (error: unknown) => settled.push(error),
  )
  await fake.clock.advance(ms)
  return settled[0]
}

it('is found, by one look for all shards', async () => {
  const fake = new FakeKinesis(1)
  statuses(fake, 'ACTIVE')
  const consumer = consumerOf(fake, true)
  expect(await Promise.all([consumer.arn(never), consumer.arn(never)])).toEqual(['arn-1', 'arn-1'])
  expect(fake.calls.map(({ name }) => name)).toEqual(['DescribeStreamSummary', 'DescribeStreamConsumer'])
})

it('is registered where it is missing, and waited for', async () => {
  const fake = new FakeKinesis(1)
  statuses(fake, undefined, 'CREATING', 'CREATING', 'ACTIVE')
  expect(await outcome(fake, consumerOf(fake, true).arn(never), 2_000)).toBe('arn-1')
  expect(fake.named('RegisterStreamConsumer').map(({ input }) => input)).toEqual([
    { StreamARN: expect.stringContaining('stream/positions'), ConsumerName: 'tracker' },
  ])
})

it('is taken as it is where somebody else has registered it', async () => {
  const fake = new FakeKinesis(1)
  statuses(fake, undefined, 'ACTIVE')
  fake.on('RegisterStreamConsumer', () => {
    throw serviceError('ResourceInUseException')
  })
  expect(await outcome(fake, consumerOf(fake, true).arn(never), 2_000)).toBe('arn-1')
})

it('is registered anew when the one that is there is being deleted', async () => {
  const fake = new FakeKinesis(1)
  statuses(fake, 'DELETING', 'DELETING', undefined, 'ACTIVE')
  expect(await outcome(fake, consumerOf(fake, true).arn(never), 5_000)).toBe('arn-1')
  expect(fake.named('RegisterStreamConsumer')).toHaveLength(1)
})

it('is not registered without permission: the error names the remedy', async () => {
  const fake = new FakeKinesis(1)
  statuses(fake, undefined)
  await expect(consumerOf(fake, false).arn(never)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND', message: expect.stringContaining('provision') })
  expect(fake.named('RegisterStreamConsumer')).toEqual([])
})

it('is given up after a minute, and looked for again when asked again', async () => {
  const fake = new FakeKinesis(1)
  statuses(fake, 'CREATING')
  const consumer = consumerOf(fake, true)
  expect(await outcome(fake, consumer.arn(never), 61_000)).toMatchObject({ code: 'ERR_UNAVAILABLE', message: expect.stringContaining('CREATING') })
  statuses(fake, 'ACTIVE')
  expect(await consumer.arn(never)).toBe('arn-1')
})

it('tells of the limits of the service', async () => {
  const fake = new FakeKinesis(1)
  statuses(fake, undefined)
  fake.on('RegisterStreamConsumer', () => {
    throw serviceError('LimitExceededException')
  })
  await expect(consumerOf(fake, true).arn(never)).rejects.toMatchObject({ code: 'ERR_THROTTLED' })
})

it('leaves off waiting when the signal fires, for that caller alone', async () => {
  const fake = new FakeKinesis(1)
  statuses(fake, 'CREATING', 'ACTIVE')
  const consumer = consumerOf(fake, true)
  const ending = new AbortController()
  const left = consumer.arn(ending.signal)
  const other = consumer.arn(never)
  ending.abort(new Error('enough'))
  await expect(left).rejects.toThrow('enough')
  await expect(consumer.arn(ending.signal)).rejects.toThrow('enough')
  expect(await outcome(fake, other, 1_000)).toBe('arn-1')
})

it('is looked for as long as somebody waits for it', async () => {
  const fake = new FakeKinesis(1)
  statuses(fake, 'CREATING')
  const consumer = consumerOf(fake, false)
  const endings = [new AbortController(), new AbortController()]
  const found = endings.map((ending) => outcome(fake, consumer.arn(ending.signal), 0))
  await Promise.all(found)
  const looks = (): number => fake.named('DescribeStreamConsumer').length
  endings[0]?.abort()
  const before = looks()
  await fake.clock.advance(2_000)
  expect(looks()).toBeGreaterThan(before)
  endings[1]?.abort()
  await fake.clock.advance(1_000)
  const after = looks()
  await fake.clock.advance(60_000)
  expect(looks()).toBe(after)
  statuses(fake, 'ACTIVE')
  expect(await outcome(fake, consumer.arn(never), 1_000)).toBe('arn-1')
})
