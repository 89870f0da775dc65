import { expect, it } from 'vitest'
import { publishDirect, type Publication } from './publish-direct.ts'

type Client = Parameters<typeof publishDirect>[0]

/** Answers as the service does, and notes what it was asked. */
function clientOf(answer: () => unknown): { readonly client: Client; readonly inputs: unknown[] } {
  const inputs: unknown[] = []
  const send = async (command: { readonly input: unknown }): Promise<unknown> => {
    inputs.push(command.input)
    return answer()
  }
  return { client: { send }, inputs }
}

async function request(publication: Publication): Promise<unknown> {
  const { client, inputs } = clientOf(() => ({ MessageId: 'm-1' }))
  expect(await publishDirect(client, publication)).toEqual({ id: 'm-1', sequenceNumber: undefined })
  return inputs[0]
}

it('publishes to a phone, with the attributes of SNS', async () => {
  const publication = { to: { phoneNumber: '+4366012345678' }, message: 'Your code is 123', attributes: { 'AWS.SNS.SMS.SMSType': 'Transactional' } }
  expect(await request(publication)).toEqual({
    PhoneNumber: '+4366012345678',
    Message: 'Your code is 123',
    MessageAttributes: { 'AWS.SNS.SMS.SMSType': { DataType: 'String', StringValue: 'Transactional' } },
  })
})

it('publishes to an endpoint of mobile push in a text of its own', async () => {
  const endpointArn = 'arn:aws:sns:eu-central-1:123456789012:endpoint/GCM/app/1'
  expect(await request({ to: { endpointArn }, message: { default: 'hello', GCM: '{"data":{}}' } })).toEqual({
    TargetArn: endpointArn,
    MessageStructure: 'json',
    Message: '{"default":"hello","GCM":"{\\"data\\":{}}"}',
  })
})

it('publishes to a topic with subject, attributes of all types, key and deduplication id', async () => {
  const topicArn = 'arn:aws:sns:eu-central-1:123456789012:orders.fifo'
  const attributes = { text: 'x', number: 1.5, bytes: Uint8Array.of(1), list: ['a', 1, true, null] }
  expect(await request({ to: { topicArn }, message: 'm', subject: 'About', attributes, orderingKey: 'k', deduplicationId: 'd' })).toEqual({
    TopicArn: topicArn,
    Message: 'm',
    Subject: 'About',
    MessageGroupId: 'k',
    MessageDeduplicationId: 'd',
    MessageAttributes: {
      text: { DataType: 'String', StringValue: 'x' },
      number: { DataType: 'Number', StringValue: '1.5' },
      bytes: { DataType: 'Binary', BinaryValue: Uint8Array.of(1) },
      list: { DataType: 'String.Array', StringValue: '["a",1,true,null]' },
    },
  })
})

it('refuses phone numbers and subjects that are none before anything is sent', async () => {
  const { client, inputs } = clientOf(() => ({}))
  for (const phoneNumber of ['', '066012345678', '+0660', '+43 660 1234', '+1234567890123456'])
    await expect(publishDirect(client, { to: { phoneNumber }, message: 'm' })).rejects.toThrow(TypeError)
  for (const subject of ['', 'two\nlines', 'x'.repeat(100), ' begins with a space'])
    await expect(publishDirect(client, { to: { topicArn: 'arn' }, message: 'm', subject })).rejects.toThrow(TypeError)
  expect(inputs).toEqual([])
})

it('maps what SNS refuses, and does not say to whom it was', async () => {
  const { client } = clientOf(() => {
    throw Object.assign(new Error('off'), { name: 'EndpointDisabledException', $metadata: { httpStatusCode: 400 } })
  })
  const failure: unknown = await publishDirect(client, { to: { phoneNumber: '+4366012345678' }, message: 'secret' }).catch((error: unknown) => error)
  expect(failure).toMatchObject({ code: 'ERR_UNROUTABLE', driver: 'sns', retryable: false })
  expect(String(failure)).not.toMatch(/4366012345678|secret/)
})

it('ends by its signal', async () => {
  const { client, inputs } = clientOf(() => ({}))
  const reason = new Error('no more')
  await expect(publishDirect(client, { to: { topicArn: 'arn' }, message: 'm' }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(inputs).toEqual([])
})

it('ends by its signal while credentials do not come, for which the SDK waits before it looks at a signal', async () => {
  const { client } = clientOf(() => new Promise(() => undefined))
  const ending = new AbortController()
  const publishing = publishDirect(client, { to: { topicArn: 'arn' }, message: 'm' }, { signal: ending.signal })
  const reason = new Error('no more')
  ending.abort(reason)
  await expect(publishing).rejects.toBe(reason)
})
