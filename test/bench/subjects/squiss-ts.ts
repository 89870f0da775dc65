import { SQS } from '@aws-sdk/client-sqs'
import { Squiss } from 'squiss-ts'
import { deletesTakenMs, pollers, settings, type SqsSubject, type SqsWork } from './sqs-subject.ts'
import type { Handle, Receiver } from './subject.ts'

/** The peer as its documentation shows it; an instance has one receive out, so that there are several. Deletes go by tens. */
export const squissTs: SqsSubject = { receive, settleMs: deletesTakenMs }

async function receive(work: SqsWork, handle: Handle): Promise<Receiver> {
  const failed = Promise.withResolvers<never>()
  const squisses = Array.from({ length: pollers }, () => {
    const squiss = new Squiss({
      SQS: new SQS(settings(work)),
      queueUrl: work.queueUrl,
      maxInFlight: work.concurrency / pollers,
      visibilityTimeoutSecs: 30,
      receiveSqsAttributes: ['All'],
      deleteWaitMs: 100,
    })
    squiss.on('message', (message) => {
      void Promise.resolve(handle(message.body as string)).then(() => message.del(), failed.reject)
    })
    squiss.on('error', failed.reject)
    return squiss
  })
  await Promise.all(squisses.map((squiss) => squiss.start()))
  return { failed: failed.promise, close: () => Promise.all(squisses.map((squiss) => squiss.stop())) }
}
