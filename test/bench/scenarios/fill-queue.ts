import { Agent, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { keepInFlight } from '../engine/keep-in-flight.ts'
import type { SqsAccess } from '../servers/sqs-server.ts'
import { attributesOf, perRequest, requests, sqsBodies } from '../subjects/sqs-subject.ts'

/** Stores messages as if Busbar had sent them, as far as anybody can tell. By plain requests, which are faster than the SDK's: the emulator checks no signatures. */
export async function fillQueue({ endpoint, region, credentials }: SqsAccess, queueUrl: string, messages: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: requests })
  const all = sqsBodies()
  const headers = {
    'content-type': 'application/x-amz-json-1.0',
    'x-amz-target': 'AmazonSQS.SendMessageBatch',
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/20260101/${region}/sqs/aws4_request, SignedHeaders=host, Signature=none`,
  }
  const post = async (from: number): Promise<void> => {
    const Entries = Array.from({ length: Math.min(perRequest, messages - from) }, (_, offset) => ({
      Id: String(offset),
      MessageBody: all[(from + offset) % all.length],
      MessageAttributes: attributesOf(from + offset),
    }))
    const body = Buffer.from(JSON.stringify({ QueueUrl: queueUrl, Entries }))
    const sent = request(endpoint, { method: 'POST', agent, headers: { ...headers, 'content-length': body.length } })
    const answered = new Promise<unknown>((resolve, reject) => {
      sent.once('error', reject)
      sent.once('response', (response) => void json(response).then(resolve, reject))
    })
    sent.end(body)
    const { Successful = [] } = (await answered) as { readonly Successful?: readonly unknown[] }
    if (Successful.length !== Entries.length) throw new Error(`${Successful.length} of ${Entries.length} messages were stored`)
  }
  try {
    await keepInFlight(
      Math.ceil(messages / perRequest),
      requests,
      (index) => post(index * perRequest),
      () => undefined,
    )
  } finally {
    agent.destroy()
  }
}
