import { PublishBatchCommand, SNSClient } from '@aws-sdk/client-sns'
import type { Meter } from '../engine/meter.ts'
import { attributesOf, perRequest, requests, settings, sqsBodies, type SqsJob, type SqsSubject } from './sqs-subject.ts'

/** The SDK used well: requests of ten, several out at once. */
export const rawSns: SqsSubject = { send }

async function send(job: SqsJob, meter: Meter): Promise<void> {
  const sns = new SNSClient(settings(job))
  const TopicArn = `arn:aws:sns:${job.access.region}:${job.accountId}:${job.queue}`
  const all = sqsBodies()
  let begun = 0
  const sendAll = async (): Promise<void> => {
    while (begun < meter.total) {
      const from = begun
      begun += perRequest
      const PublishBatchRequestEntries = Array.from({ length: Math.min(perRequest, meter.total - from) }, (_, index) => ({
        Id: String(index),
        Message: all[(from + index) % all.length] as string,
        MessageAttributes: attributesOf(from + index),
      }))
      const { Successful = [], Failed = [] } = await sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }))
      if (Failed.length > 0) throw new Error(Failed[0]?.Message)
      for (const _ of Successful) meter.tick()
    }
  }
  await Promise.all(Array.from({ length: requests }, sendAll))
}
