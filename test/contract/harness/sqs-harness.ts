import { GetQueueUrlCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs'
import type { ForeignMessage, Harness } from '@busbar/contract-tests'
import { sqs } from '@busbar/sqs'
import { awsHarness, awsSurroundings, clientOptions, driverOptions, foreignAttributes, foreignText, uniqueName, type AwsServer } from './aws-harness.ts'

/** A server that speaks the protocol of SQS, with queues of one type. Every case connects through a proxy of its own, so that its faults are its own. */
export function sqsHarness(server: AwsServer, fifo: boolean): Harness {
  return awsHarness(server, (endpoint) => ({
    label: { driver: 'sqs', version: server.version, kind: server.kind },
    ...awsSurroundings,
    createDriver: () => sqs(driverOptions(server, endpoint)),
    // By the name alone, so that the queues for dead letters are of the same type.
    uniqueName: (prefix) => uniqueName(prefix, fifo),
    routeOptions: () => ({ fifo }),
    faults: { sendForeign: (name, _kind, message) => sendForeign(server, name, fifo, message) },
  }))
}

async function sendForeign(server: AwsServer, name: string, fifo: boolean, { body, headers = {} }: ForeignMessage): Promise<void> {
  const client = new SQSClient(clientOptions(server))
  try {
    const { QueueUrl } = await client.send(new GetQueueUrlCommand({ QueueName: name }))
    const unique = uniqueName('foreign', false)
    await client.send(
      new SendMessageCommand({
        QueueUrl,
        MessageBody: foreignText(body),
        MessageAttributes: foreignAttributes(body, headers),
        ...(fifo && { MessageGroupId: unique, MessageDeduplicationId: unique }),
      }),
    )
  } finally {
    client.destroy()
  }
}
