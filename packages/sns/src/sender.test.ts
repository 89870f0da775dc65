import type { Outgoing, Sender, Services } from '@busbar/core/driver'
import { systemClock } from '@busbar/core'
import { SNSClient, type PublishBatchCommandInput } from '@aws-sdk/client-sns'
import { expect, it } from 'vitest'
import { Api } from './api.ts'
import { Arns } from './arns.ts'
import { topicOf } from './names.ts'
import { resolveRouteOptions, type SnsRouteOptions } from './route-options.ts'
import { topicSender } from './sender.ts'
import { endpoint } from './test-support/endpoint.ts'

const never = new AbortController().signal
const services: Services = { clock: systemClock, random: () => 0.5, log: () => undefined, meter: () => undefined }

function outgoing(parts: Partial<Outgoing> = {}): Outgoing {
  const body = parts.body ?? 'hello'
  const common = { id: 'm-1', headers: {}, timestamp: 1_767_225_600_123, attempt: 0 }
  const absent = { type: undefined, contentType: undefined, key: undefined, deduplicationId: undefined, delayMs: undefined, timeToLiveMs: undefined }
  return { ...common, ...absent, priority: undefined, correlationId: undefined, replyTo: undefined, body, bodyBytes: Buffer.byteLength(body), ...parts }
}

/** A sender whose client answers as told, or that all was taken, and the requests that it made. `found`: headers by which subscriptions of the program filter. */
function senderOf(
  options: SnsRouteOptions = {},
  answer?: () => unknown,
  found: readonly string[] = [],
): { readonly sender: Sender; readonly inputs: PublishBatchCommandInput[] } {
  const inputs: PublishBatchCommandInput[] = []
  const client = Object.assign(new SNSClient({ region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 's' } }), {
    send: async ({ input }: { readonly input: PublishBatchCommandInput }) => {
      inputs.push(input)
      return answer === undefined ? { Successful: input.PublishBatchRequestEntries?.map(({ Id }) => ({ Id, MessageId: `sns-${Id}` })) } : answer()
    },
  })
  const given = resolveRouteOptions(endpoint({ options: { ...options } }))
  const route = { ...given, filterHeaders: [...given.filterHeaders, ...found] }
  let ids = 0
  const parts = {
    route,
    api: new Api(client, false, services, { timeoutMs: 1_000, allowPlaintext: false }),
    arns: new Arns(client, '123456789012', systemClock, 1_000),
    uniqueId: () => `unique-${++ids}`,
  }
  return { sender: topicSender({ ...parts, topic: topicOf('order-placed', route.fifo) }), inputs }
}

it('publishes what the page on the wire format shows', async () => {
  const { sender, inputs } = senderOf({ fifo: true })
  const message = outgoing({ body: '{"truckId":"truck-7"}', contentType: 'application/json', headers: { tenant: 'acme' }, key: 'truck-7' })
  expect(await sender.send([message], never)).toEqual([{ ok: true, id: 'sns-0' }])
  expect(sender.sizeOf(message)).toBe(121)
  expect(inputs).toEqual([
    {
      TopicArn: 'arn:aws:sns:eu-central-1:123456789012:order-placed.fifo',
      PublishBatchRequestEntries: [
        {
          Id: '0',
          Message: '{"truckId":"truck-7"}',
          MessageGroupId: 'truck-7',
          MessageDeduplicationId: 'unique-1',
          MessageAttributes: {
            busbar: { DataType: 'String', StringValue: '{"v":1,"i":"m-1","c":"application/json","k":"truck-7","s":1767225600123}' },
            tenant: { DataType: 'String', StringValue: 'acme' },
          },
        },
      ],
    },
  ])
})

it('makes headers by which subscriptions filter attributes before all others, tracing included', async () => {
  const { sender, inputs } = senderOf({ filterHeaders: ['tenant', 'region'] })
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`h-${index}`, 'x']))
  await sender.send([outgoing({ headers: { ...many, traceparent: 't', region: 'eu', tenant: 'acme' } })], never)
  const names = Object.keys(inputs[0]?.PublishBatchRequestEntries?.[0]?.MessageAttributes ?? {})
  expect(names.slice(0, 4)).toEqual(['busbar', 'tenant', 'region', 'traceparent'])
  expect(names).toHaveLength(10)
})

it('refuses what has more headers to filter by than attributes, since SNS would not deliver it to whom it is for and say nothing', async () => {
  const { sender, inputs } = senderOf({ filterHeaders: ['a', 'b', 'c', 'd', 'e', 'f', 'g'] }, undefined, ['h', 'i'])
  const headers = (names: string): Record<string, string> => Object.fromEntries(names.split('').map((name) => [name, 'x']))
  expect(await sender.send([outgoing({ headers: headers('abcdefghi') }), outgoing({ headers: headers('abcdefgh') })], never)).toMatchObject([
    { ok: false, stored: 'no', error: { code: 'ERR_INVALID', message: expect.stringContaining('nothing of i') } },
    { ok: true },
  ])
  expect(await sender.send([outgoing({ body: Uint8Array.of(1), headers: headers('abcdefgh') })], never)).toMatchObject([{ ok: false, stored: 'no' }])
  expect(inputs).toHaveLength(1)
})

it('does not count on an answer that names all entries: what vanished is not confirmed', async () => {
  const { sender } = senderOf({}, () => ({ Successful: [{ Id: '0', MessageId: 'x' }], Failed: [] }))
  expect(await sender.send([outgoing(), outgoing()], never)).toMatchObject([
    { ok: true },
    { ok: false, stored: 'unknown', error: { code: 'ERR_UNCONFIRMED', driver: 'sns' } },
  ])
})

it.each([
  [{ delayMs: 1 }, {}, 'ERR_UNSUPPORTED'],
  [{ deduplicationId: 'd' }, {}, 'ERR_UNSUPPORTED'],
  [{ key: 'with space' }, { fifo: true }, 'ERR_INVALID'],
  [{ key: 'busbar-unkeyed:x' }, { fifo: true }, 'ERR_INVALID'],
  [{ headers: { about: '' } }, { subjectHeader: 'about' }, 'ERR_INVALID'],
  [{ headers: { about: 'x'.repeat(100) } }, { subjectHeader: 'about' }, 'ERR_INVALID'],
  [{ headers: { tenant: 'two words' } }, { tenantHeader: 'tenant' }, 'ERR_INVALID'],
  [{ headers: { tenant: '' } }, { filterHeaders: ['tenant'] }, 'ERR_INVALID'],
  [{ headers: { tenant: 'a\u0000' } }, { filterHeaders: ['tenant'] }, 'ERR_INVALID'],
  [{ body: 'x'.repeat(262_144) }, {}, 'ERR_TOO_LARGE'],
])('refuses %j alone, before SNS refuses the whole batch', async (parts, options, code) => {
  const { sender, inputs } = senderOf(options)
  expect(await sender.send([outgoing(parts), outgoing()], never)).toMatchObject([{ ok: false, stored: 'no', error: { code, driver: 'sns' } }, { ok: true }])
  expect(inputs).toHaveLength(1)
})
