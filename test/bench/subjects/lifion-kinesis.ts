import { randomUUID } from 'node:crypto'
import Kinesis from 'lifion-kinesis'
import { texts } from '../bodies.ts'
import { credentials, perRequest, region, requests, type KinesisSubject, type KinesisWork } from './kinesis-subject.ts'
import { variantsOf, type Handle, type Receiver, type Sender } from './subject.ts'

/**
 * The peer as its documentation shows it, without the pauses between reads that it makes for the service's sake. It stores as done what it has received, handled or not.
 */
export const lifionKinesis: KinesisSubject = { sender, receive }

function client(work: KinesisWork): Kinesis {
  const access = { region, ...credentials }
  return new Kinesis({
    ...access,
    endpoint: work.endpoint,
    streamName: work.place,
    consumerGroup: 'bench',
    createStreamIfNeeded: false,
    initialPositionInStream: 'TRIM_HORIZON',
    pollDelay: 0,
    // Texts.
    shouldParseJson: false,
    shouldDeaggregate: false,
    dynamoDb: { ...access, endpoint: work.stateEndpoint },
  })
}

async function sender(work: KinesisWork): Promise<Sender> {
  const kinesis = client(work)
  const all = texts(variantsOf(work))
  const recordAt = (index: number): { data: string; partitionKey: string } => ({ data: all[index % all.length] as string, partitionKey: randomUUID() })
  const put = (from: number, count: number): Promise<unknown> =>
    kinesis.putRecords({ records: Array.from({ length: count }, (_, offset) => recordAt(from + offset)) })
  return { send: (index) => put(index, 1), batches: { size: perRequest, atOnce: requests, send: put }, close: async () => undefined }
}

async function receive(work: KinesisWork, handle: Handle): Promise<Receiver> {
  const kinesis = client(work)
  const failed = Promise.withResolvers<never>()
  kinesis.on('error', failed.reject)
  kinesis.on('data', ({ records }: { readonly records: readonly { readonly data: string }[] }) => {
    for (const { data } of records) void handle(data)
  })
  await kinesis.startConsumer()
  return { failed: failed.promise, close: async () => kinesis.stopConsumer() }
}
