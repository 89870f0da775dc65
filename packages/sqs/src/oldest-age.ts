import type { Api } from './api.ts'
import { addressOf, type QueueName } from './names.ts'

/** What is needed of a client of CloudWatch; `CloudWatch` of `@aws-sdk/client-cloudwatch` is one. */
export interface CloudWatchLike {
  getMetricStatistics(
    input: {
      Namespace: string
      MetricName: string
      Dimensions: { Name: string; Value: string }[]
      StartTime: Date
      EndTime: Date
      Period: number
      Statistics: 'Maximum'[]
    },
    options: { abortSignal: AbortSignal },
  ): Promise<{ readonly Datapoints?: readonly { readonly Timestamp?: Date | undefined; readonly Maximum?: number | undefined }[] | undefined }>
}

/** SQS reports every minute, and some minutes late. */
const lookBackMs = 900_000
const periodSeconds = 60

/** Age of the oldest message as CloudWatch last heard of it, in milliseconds; `undefined` as long as it has heard nothing, as of a new queue. Throws `BrokerError`. */
export async function oldestAge(client: CloudWatchLike, queue: QueueName, api: Api, now: number, signal: AbortSignal): Promise<number | undefined> {
  const input = {
    Namespace: 'AWS/SQS',
    MetricName: 'ApproximateAgeOfOldestMessage',
    Dimensions: [{ Name: 'QueueName', Value: queue.name }],
    StartTime: new Date(now - lookBackMs),
    EndTime: new Date(now),
    Period: periodSeconds,
    Statistics: ['Maximum' as const],
  }
  const context = { doing: `Asking for the age of the oldest message in ${addressOf(queue)}`, signal }
  const { Datapoints = [] } = await api.elsewhere('GetMetricStatistics', context, (abortSignal) => client.getMetricStatistics(input, { abortSignal }))
  // In no order.
  const [latest] = Datapoints.toSorted((a, b) => (b.Timestamp?.getTime() ?? 0) - (a.Timestamp?.getTime() ?? 0))
  return latest?.Maximum === undefined ? undefined : latest.Maximum * 1_000
}
