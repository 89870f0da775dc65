import { snsHttpHandler, type SnsNotification } from '@busbar/sns/http'
import { Authority, issuerUrl, signed, type Certified, type Fields } from '../../sns/support/signer.ts'
import { expected, first } from '../checks.ts'
import { bytesLike, jsonLike, textLike } from '../inputs.ts'
import { target } from '../target.ts'
import { snsConfirmation, snsNotification } from './foreign-events.ts'

/** What SNS would have signed, by an authority of our own; made when it is first needed, since keys take a moment. Keys, and so signatures, are others in every run. */
interface Post {
  readonly authority: Certified
  readonly network: ReadonlyMap<string, Buffer>
  readonly messages: readonly Fields[]
  readonly now: number
}

const statuses = [200, 400, 403, 413, 503]
let made: Post | undefined

function post(): Post {
  if (made !== undefined) return made
  using authority = new Authority()
  const leaf = authority.leaf('sns', ['sns.amazonaws.com'])
  const now = Date.now() + 60_000
  const Timestamp = new Date(now - 1_000).toISOString()
  const network = new Map([
    [snsNotification.SigningCertURL, Buffer.from(leaf.certificate)],
    [issuerUrl, Buffer.from(authority.intermediate.certificate)],
  ])
  const messages = [snsNotification, snsConfirmation].flatMap((fields) =>
    (['1', '2'] as const).map((version) => signed({ ...fields, Timestamp }, leaf.key, version)),
  )
  return (made = { authority: authority.root, network, messages, now })
}

/** Requests to the handler that receives by HTTP. What it hands over must have been signed, however it was written. */
export const snsHttpTargets = [
  target({
    name: 'sns-http',
    generate: (draw) => {
      const { messages, network } = post()
      const body = draw.chance(0.5)
        ? jsonLike(messages)(draw)
        : draw.chance(0.5)
          ? textLike(messages.map((one) => JSON.stringify(one)))(draw)
          : JSON.stringify(draw.pick(messages))
      const certificate = network.get(snsNotification.SigningCertURL) ?? Buffer.alloc(0)
      return { body, certificate: draw.chance(0.1) ? bytesLike([certificate])(draw) : undefined }
    },
    decode: async ({ body, certificate }) => {
      const { authority, network, now } = post()
      const handled: SnsNotification[] = []
      const fetch = async (input: string | URL | Request): Promise<Response> => {
        const url = input instanceof Request ? input.url : input.toString()
        const found = url === snsNotification.SigningCertURL ? (certificate ?? network.get(url)) : network.get(url)
        return found === undefined ? new Response(null, { status: url.includes('ConfirmSubscription') ? 200 : 404 }) : new Response(new Uint8Array(found))
      }
      const handler = snsHttpHandler({
        topics: [snsNotification.TopicArn],
        handle: (message) => void handled.push(message),
        fetch,
        now: () => now,
        roots: [authority.certificate],
      })
      const { status } = await handler(new Request('https://example.com/hook', { method: 'POST', body }))
      return { status, handled }
    },
    problem: ({ status, handled }) => first(expected(statuses.includes(status), 'it is answered', status), ...handled.map(unsigned)),
  }),
]

function unsigned({ messageId, message, subject, topicArn }: SnsNotification): string | undefined {
  const { MessageId, Message, Subject, TopicArn } = snsNotification
  return expected(
    messageId === MessageId && message === Message && subject === Subject && topicArn === TopicArn,
    'something was handled that nobody has signed',
    message,
  )
}
