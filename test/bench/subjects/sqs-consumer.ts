import { Consumer } from 'sqs-consumer'
import { client, deletesTakenMs, perRequest, pollers, type SqsSubject, type SqsWork } from './sqs-subject.ts'
import type { Handle, Receiver } from './subject.ts'

/** The peer as its documentation shows it: several instances, which each handle and delete ten at once. */
export const sqsConsumer: SqsSubject = { receive, settleMs: deletesTakenMs }

async function receive(work: SqsWork, handle: Handle): Promise<Receiver> {
  const failed = Promise.withResolvers<never>()
  const consumers = Array.from({ length: pollers }, () => {
    const consumer = Consumer.create({
      queueUrl: work.queueUrl,
      sqs: client(work),
      batchSize: perRequest,
      visibilityTimeout: 30,
      messageAttributeNames: ['All'],
      messageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
      handleMessageBatch: async (messages) => {
        await Promise.all(messages.map(async ({ Body = '' }) => handle(Body)))
        return messages
      },
    })
    consumer.on('error', failed.reject)
    consumer.on('processing_error', failed.reject)
    return consumer
  })
  for (const consumer of consumers) consumer.start()
  return {
    failed: failed.promise,
    async close() {
      for (const consumer of consumers) consumer.stop({ abort: true })
    },
  }
}
