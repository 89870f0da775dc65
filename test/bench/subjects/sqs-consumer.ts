import { Consumer } from 'sqs-consumer'
import type { Meter } from '../engine/meter.ts'
import { client, deletesTaken, perRequest, pollers, type SqsJob, type SqsSubject } from './sqs-subject.ts'

/** The peer as its documentation shows it: several instances, which each handle and delete ten at once. */
export const sqsConsumer: SqsSubject = { consume }

async function consume(job: SqsJob, meter: Meter, handle: () => Promise<void>): Promise<void> {
  const failed = Promise.withResolvers<never>()
  const consumers = Array.from({ length: pollers }, () => {
    const consumer = Consumer.create({
      queueUrl: job.queueUrl,
      sqs: client(job),
      batchSize: perRequest,
      visibilityTimeout: 30,
      messageAttributeNames: ['All'],
      messageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
      handleMessageBatch: async (messages) => {
        await Promise.all(messages.map(handle))
        return messages
      },
    })
    consumer.on('error', failed.reject)
    consumer.on('processing_error', failed.reject)
    return consumer
  })
  for (const consumer of consumers) consumer.start()
  await Promise.race([meter.done, failed.promise])
  await deletesTaken()
  for (const consumer of consumers) consumer.stop({ abort: true })
}
