import type { EndpointStats } from '@busbar/core/driver'
import { expect, it, vi } from 'vitest'
import type { CloudWatchLike } from './oldest-age.ts'
import { sqs } from './sqs-driver.ts'
import { endpoint, FakeSqs, serviceError } from './test-support/fake-sqs.ts'

type Statistics = CloudWatchLike['getMetricStatistics']

async function statsWith(getMetricStatistics: Statistics): Promise<EndpointStats | undefined> {
  return (await new FakeSqs().link({ cloudWatch: { getMetricStatistics } })).stats?.(endpoint({ keyed: true }), new AbortController().signal)
}

it('is that of the latest figure, whatever the order in which CloudWatch lists them', async () => {
  const minute = (n: number): Date => new Date(n * 60_000)
  const ask = vi.fn<Statistics>(async () => ({
    Datapoints: [
      { Timestamp: minute(2), Maximum: 50 },
      { Timestamp: minute(3), Maximum: 7.5 },
      { Timestamp: minute(1), Maximum: 900 },
    ],
  }))
  expect(await statsWith(ask)).toMatchObject({ oldestAgeMs: 7_500 })
  const [input] = ask.mock.calls[0] ?? []
  expect(input).toMatchObject({
    Namespace: 'AWS/SQS',
    MetricName: 'ApproximateAgeOfOldestMessage',
    Dimensions: [{ Name: 'QueueName', Value: 'orders.fifo' }],
    Statistics: ['Maximum'],
  })
  expect(Number(input?.EndTime) - Number(input?.StartTime)).toBe(900_000)
})

it('is not made up as long as there is no figure', async () => {
  expect(await statsWith(async () => ({}))).toMatchObject({ oldestAgeMs: undefined, ready: 0 })
})

it('says why it cannot be had', async () => {
  const denied = statsWith(async () => {
    throw serviceError('AccessDenied', 'not authorized to perform cloudwatch:GetMetricStatistics', 403)
  })
  await expect(denied).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED', message: expect.stringContaining('oldest message in queue orders.fifo') })
})

it('is declared as approximate with a client, and not at all without one', () => {
  const cloudWatch: CloudWatchLike = { getMetricStatistics: async () => ({}) }
  expect(sqs({ cloudWatch }).capabilities(endpoint())).toMatchObject({ stats: { oldestAgeMs: 'approximate' } })
  expect(sqs().capabilities(endpoint())).toMatchObject({ stats: { oldestAgeMs: 'none' } })
})

it('refuses a client that is none', () => {
  expect(() => sqs({ cloudWatch: { send: () => undefined } as never })).toThrow(/getMetricStatistics/)
})
