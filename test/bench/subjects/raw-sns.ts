import { PublishBatchCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import { attributesOf, perRequest, requests, settings, sqsBodies, type SqsSubject, type SqsWork } from './sqs-subject.ts'
import type { Sender } from './subject.ts'

/** The SDK used well: requests of ten, several out at once. */
export const rawSns: SqsSubject = { sender }

async function sender(work: SqsWork): Promise<Sender> {
  const sns = new SNSClient(settings(work))
  const TopicArn = `arn:aws:sns:${work.access.region}:${work.accountId}:${work.place}`
  const all = sqsBodies()
  const messageAt = (index: number): { Message: string; MessageAttributes: ReturnType<typeof attributesOf> } => ({
    Message: all[index % all.length] as string,
    MessageAttributes: attributesOf(index),
  })
  const sendTen = async (from: number, count: number): Promise<void> => {
    const PublishBatchRequestEntries = Array.from({ length: count }, (_, index) => ({ Id: String(index), ...messageAt(from + index) }))
    const { Failed = [] } = await sns.send(new PublishBatchCommand({ TopicArn, PublishBatchRequestEntries }))
    if (Failed.length > 0) throw new Error(Failed[0]?.Message)
  }
  return {
    send: (index) => sns.send(new PublishCommand({ TopicArn, ...messageAt(index) })),
    batches: { size: perRequest, atOnce: requests, send: sendTen },
    close: async () => sns.destroy(),
  }
}
