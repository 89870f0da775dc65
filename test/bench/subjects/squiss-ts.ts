import { SQS } from '@aws-sdk/client-sqs'
import { Squiss } from 'squiss-ts'
import type { Meter } from '../engine/meter.ts'
import { deletesTaken, mostInFlight, pollers, settings, type SqsJob, type SqsSubject } from './sqs-subject.ts'

/** The peer as its documentation shows it; an instance has one receive out, so that there are several. Deletes go by tens. */
export const squissTs: SqsSubject = { consume }

async function consume(job: SqsJob, meter: Meter, handle: () => Promise<void>): Promise<void> {
  const failed = Promise.withResolvers<never>()
  const squisses = Array.from({ length: pollers }, () => {
    const squiss = new Squiss({
      SQS: new SQS(settings(job)),
      queueUrl: job.queueUrl,
      maxInFlight: mostInFlight / pollers,
      visibilityTimeoutSecs: 30,
      receiveSqsAttributes: ['All'],
      deleteWaitMs: 100,
    })
    squiss.on('message', (message) => void handle().then(() => message.del(), failed.reject))
    squiss.on('error', failed.reject)
    return squiss
  })
  await Promise.all(squisses.map((squiss) => squiss.start()))
  await Promise.race([meter.done, failed.promise])
  await deletesTaken()
  await Promise.all(squisses.map((squiss) => squiss.stop()))
}
