import { Producer } from 'sqs-producer'
import type { Meter } from '../engine/meter.ts'
import { attributesOf, client, perRequest, requests, sqsBodies, type SqsJob, type SqsSubject } from './sqs-subject.ts'

/** The peer as its documentation shows it: tens of messages, several requests out at once. */
export const sqsProducer: SqsSubject = { send }

async function send(job: SqsJob, meter: Meter): Promise<void> {
  const producer = Producer.create({ queueUrl: job.queueUrl, sqs: client(job) })
  const all = sqsBodies()
  let begun = 0
  const sendAll = async (): Promise<void> => {
    while (begun < meter.total) {
      const from = begun
      begun += perRequest
      const messages = Array.from({ length: Math.min(perRequest, meter.total - from) }, (_, index) => ({
        id: String(index),
        body: all[(from + index) % all.length] as string,
        messageAttributes: attributesOf(from + index),
      }))
      for (const _ of await producer.send(messages)) meter.tick()
    }
  }
  await Promise.all(Array.from({ length: requests }, sendAll))
}
