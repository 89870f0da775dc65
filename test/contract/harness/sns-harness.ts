import { PublishCommand, SNSClient } from '@aws-sdk/client-sns'
import type { ForeignMessage, Harness } from '@busbar/contract-tests'
import { sns } from '@busbar/sns'
import { sqs } from '@busbar/sqs'
import { awsHarness, awsSurroundings, clientOptions, driverOptions, foreignAttributes, foreignText, uniqueName, type AwsServer } from './aws-harness.ts'

/** The account of fauxqs and of our own simulator. */
const accountId = '000000000000'

/** A server that speaks the protocols of SNS and SQS: topics of one type, with queues of the same type for their subscriptions and for dead letters. */
export function snsHarness(server: AwsServer, fifo: boolean): Harness {
  return awsHarness(server, (endpoint) => ({
    label: { driver: 'sns', version: server.version, kind: server.kind },
    ...awsSurroundings,
    createDriver: () => sns({ ...driverOptions(server, endpoint), accountId }),
    createDeadLetterDriver: () => sqs(driverOptions(server, endpoint)),
    uniqueName: (prefix) => uniqueName(prefix, fifo),
    routeOptions: () => ({ fifo }),
    faults: { sendForeign: (name, _kind, message) => sendForeign(server, name, fifo, message) },
  }))
}

async function sendForeign(server: AwsServer, name: string, fifo: boolean, { body, headers }: ForeignMessage): Promise<void> {
  const options = clientOptions(server)
  const client = new SNSClient(options)
  try {
    const unique = uniqueName('foreign', false)
    await client.send(
      new PublishCommand({
        TopicArn: `arn:aws:sns:${options.region}:${accountId}:${name}`,
        Message: foreignText(body),
        MessageAttributes: foreignAttributes(body, headers),
        ...(fifo && { MessageGroupId: unique, MessageDeduplicationId: unique }),
      }),
    )
  } finally {
    client.destroy()
  }
}
