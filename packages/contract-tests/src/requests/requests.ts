import { queue, text, type Broker, type Queue } from '@busbar/core'
import type { SchemaResult, StandardSchema } from '../kit/schema.ts'
import type { ContractCase } from '../case.ts'
import { check, checkEqual } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'

const anyText: StandardSchema<string> = {
  '~standard': {
    version: 1,
    vendor: 'busbar',
    validate: (value): SchemaResult<string> => (typeof value === 'string' ? { value } : { issues: [{ message: 'must be text' }] }),
  },
}

const reply: ContractCase = {
  id: 'requests/reply',
  title: "a request is answered with the handler's reply",
  examines: ['requestReply'],
  kills: ['reply-dropped', 'request-taken-for-reply', 'overclaims-request-reply'],
  kinds: ['queue'],
  applies: ({ requestReply }) => requestReply,
  async run(context) {
    const place = echo(context)
    const [server, client] = [await open(context, place), await open(context, place)]
    await server.consume(place, (message) => `echo ${message.body}`)
    checkEqual(
      await context.waiting.settled(client.request(place, 'hello', { timeoutMs: 10_000 }), 'a request', 10_000 + context.harness.bounds.arrivalMs),
      'echo hello',
      'reply',
    )
  },
}

const ownReplies: ContractCase = {
  id: 'requests/own-replies',
  title: 'every requester gets its own replies, whatever their order',
  examines: ['requestReply'],
  kills: ['replies-crossed'],
  kinds: ['queue'],
  applies: ({ requestReply }) => requestReply,
  async run(context) {
    const place = echo(context)
    const server = await open(context, place)
    await server.consume(place, (message) => `echo ${message.body}`, { concurrency: 8 })
    const clients = [await open(context, place), await open(context, place), await open(context, place)]
    const asked = clients.flatMap((client, index) => Array.from({ length: 5 }, (_, number) => ({ client, body: `${index}/${number}` })))
    const replies = await context.waiting.settled(
      Promise.all(asked.map(({ client, body }) => client.request(place, body, { timeoutMs: 10_000 }))),
      'all requests',
      10_000 + context.harness.bounds.arrivalMs,
    )
    checkEqual(
      replies,
      asked.map(({ body }) => `echo ${body}`),
      'replies',
    )
  },
}

const noReply: ContractCase = {
  id: 'requests/timeout',
  title: 'a request that nobody answers rejects with ERR_TIMEOUT',
  examines: ['requestReply'],
  kills: ['request-taken-for-reply'],
  kinds: ['queue'],
  applies: ({ requestReply }) => requestReply,
  async run(context) {
    const place = echo(context)
    const client = await open(context, place)
    const [result] = await context.waiting.settled(
      Promise.allSettled([client.request(place, 'anyone?', { timeoutMs: 1_000 })]),
      'a request without an answer',
      1_000 + context.harness.bounds.arrivalMs,
    )
    check(result?.status === 'rejected', 'it rejects')
    checkEqual((result.reason as { readonly code?: unknown }).code, 'ERR_TIMEOUT', 'code')
  },
}

export const requestCases: readonly ContractCase[] = [reply, ownReplies, noReply]

type EchoQueue = Queue<string, string, string, string>

function echo(context: CaseContext): EchoQueue {
  return queue<string, string, string>(context.uniqueName(), { codec: text, reply: anyText })
}

async function open(context: CaseContext, place: EchoQueue): Promise<Broker> {
  const broker = context.api.make([place], { [place.name]: context.api.route() })
  await broker.start()
  return broker
}
