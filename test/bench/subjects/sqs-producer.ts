import { Producer, type Message } from 'sqs-producer'
import { attributesOf, client, perRequest, requests, sqsBodies, type SqsSubject, type SqsWork } from './sqs-subject.ts'
import { variantsOf, type Sender } from './subject.ts'

/** The peer as its documentation shows it: tens of messages, several requests out at once. */
export const sqsProducer: SqsSubject = { sender }

async function sender(work: SqsWork): Promise<Sender> {
  const producer = Producer.create({ queueUrl: work.queueUrl, sqs: client(work) })
  const all = sqsBodies(variantsOf(work))
  const messageAt = (index: number, id: number): Message => ({
    id: String(id),
    body: all[index % all.length] as string,
    messageAttributes: attributesOf(index),
  })
  return {
    send: (index) => producer.send(messageAt(index, 0)),
    batches: {
      size: perRequest,
      atOnce: requests,
      send: (from, count) => producer.send(Array.from({ length: count }, (_, offset) => messageAt(from + offset, offset))),
    },
    close: async () => undefined,
  }
}
