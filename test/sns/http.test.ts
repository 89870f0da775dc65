import { snsHttpHandler, type SnsConfirmation, type SnsHttpOptions, type SnsNotification } from '@busbar/sns/http'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { Authority, issuerUrl, signed, type Certified, type Fields } from './support/signer.ts'

const authority = new Authority()
afterAll(() => authority[Symbol.dispose]())
const sns = authority.leaf('sns', ['sns.amazonaws.com'])

const topic = 'arn:aws:sns:eu-central-1:123456789012:order-placed'
const certificateUrl = 'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem'
/** Later than all certificates that are made here. */
const now = Date.now() + 60_000

const notification: Fields = {
  Type: 'Notification',
  MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
  TopicArn: topic,
  Message: '{"total":1}\nü',
  Timestamp: new Date(now - 1_000).toISOString(),
  SigningCertURL: certificateUrl,
  MessageAttributes: { tenant: { Type: 'String', Value: 'acme' } },
}
const confirmation: Fields = {
  ...notification,
  Type: 'SubscriptionConfirmation',
  Message: 'You have chosen to subscribe.',
  Token: 'token-1',
  SubscribeURL: 'https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=x&Token=token-1',
}

/** What is found on the network: files by their addresses; a status alone for an answer without one; an error for none. */
let network: Map<string, string | Uint8Array | number | Error>
let asked: string[]
let handled: SnsNotification[]
let ended: SnsConfirmation[]
let refusals: { readonly status: number; readonly problem: string; readonly error?: unknown }[]

beforeEach(() => {
  network = new Map<string, string | Uint8Array | number | Error>([
    [certificateUrl, sns.certificate],
    [issuerUrl, authority.intermediate.certificate],
  ])
  asked = []
  handled = []
  ended = []
  refusals = []
})

function fetchFake(input: string | URL | Request, init?: RequestInit): Promise<Response> {
  // Where SNS keeps its certificates is told by the host, which a redirect would leave.
  if (init?.redirect !== 'error') return Promise.reject(new Error('redirects would be followed'))
  const url = input instanceof Request ? input.url : input.toString()
  asked.push(url)
  const found = network.get(url) ?? (url.includes('Action=ConfirmSubscription') ? '<ok/>' : 404)
  if (found instanceof Error) return Promise.reject(found)
  return Promise.resolve(typeof found === 'number' ? new Response(null, { status: found }) : new Response(Buffer.from(found)))
}

type Post = (fields: Fields | string, headers?: Record<string, string>) => Promise<number>

function handler(options: Partial<SnsHttpOptions> = {}): Post {
  const answer = snsHttpHandler({
    topics: [topic],
    handle: (message) => void handled.push(message),
    onUnsubscribed: (message) => void ended.push(message),
    onRefused: (refusal) => void refusals.push(refusal),
    fetch: fetchFake,
    now: () => now,
    roots: [authority.root.certificate],
    ...options,
  })
  return async (fields, headers = {}) => {
    const body = typeof fields === 'string' ? fields : JSON.stringify(fields)
    return (
      await answer(new Request('https://example.com/hook', { method: 'POST', body, headers: { 'content-type': 'text/plain; charset=UTF-8', ...headers } }))
    ).status
  }
}

describe('what SNS has signed', () => {
  it.each(['1', '2'] as const)('is handled: version %s, with and without a subject', async (version) => {
    const post = handler()
    expect(await post(signed(notification, sns.key, version))).toBe(200)
    expect(await post(signed({ ...notification, Subject: 'An order' }, sns.key, version))).toBe(200)
    expect(handled).toMatchObject([
      { type: 'Notification', topicArn: topic, message: '{"total":1}\nü', attributes: { tenant: { type: 'String', value: 'acme' } }, subject: undefined },
      { subject: 'An order' },
    ])
    expect(refusals).toEqual([])
  })

  it('confirms a subscription by asking SNS itself, whatever the address in the message', async () => {
    const elsewhere = { ...confirmation, SubscribeURL: 'https://evil.example/?Action=ConfirmSubscription' }
    expect(await handler()(signed(elsewhere, sns.key))).toBe(200)
    expect(asked.at(-1)).toBe(`https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(topic)}&Token=token-1`)
    expect(handled).toEqual([])
  })

  it('confirms nothing when told so, nor when a subscription has ended', async () => {
    expect(await handler({ confirm: false })(signed(confirmation, sns.key))).toBe(200)
    expect(await handler()(signed({ ...confirmation, Type: 'UnsubscribeConfirmation' }, sns.key))).toBe(200)
    expect(ended).toMatchObject([{ type: 'UnsubscribeConfirmation', token: 'token-1' }])
    expect(asked.filter((url) => url.includes('Action='))).toEqual([])
  })

  it('comes again when the handler fails, or a confirmation does', async () => {
    const failure = new Error('no database')
    const post = handler({ handle: () => Promise.reject(failure) })
    expect(await post(signed(notification, sns.key))).toBe(500)
    expect(refusals).toEqual([{ status: 500, problem: 'the handler has failed', error: failure }])
    const url = `https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(topic)}&Token=token-1`
    for (const broken of [500, 403, new Error('reset')]) {
      network.set(url, broken)
      expect(await handler()(signed(confirmation, sns.key))).toBe(503)
    }
  })

  it('is that of regions with names of their own', async () => {
    for (const [region, domain, name] of [
      ['cn-north-1', 'amazonaws.com.cn', 'sns-cn-north-1.amazonaws.com.cn'],
      ['af-south-1', 'amazonaws.com', 'sns-signing.af-south-1.amazonaws.com'],
      ['us-gov-east-1', 'amazonaws.com', 'sns-us-gov-west-1.amazonaws.com'],
    ] as const) {
      const own = authority.leaf(`of-${region}`, [name])
      const partition = region.startsWith('cn') ? 'aws-cn' : region.startsWith('us-gov') ? 'aws-us-gov' : 'aws'
      const TopicArn = `arn:${partition}:sns:${region}:123456789012:order-placed`
      const SigningCertURL = `https://sns.${region}.${domain}/SimpleNotificationService-abc.pem`
      network.set(SigningCertURL, own.certificate)
      expect(await handler({ topics: [TopicArn] })(signed({ ...notification, TopicArn, SigningCertURL }, own.key))).toBe(200)
    }
    expect(handled).toHaveLength(3)
  })

  it('may come with the certificates between in the same file, or as DER', async () => {
    network.delete(issuerUrl)
    network.set(certificateUrl, `${sns.certificate}\n${authority.intermediate.certificate}`)
    expect(await handler()(signed(notification, sns.key))).toBe(200)
    network.set(certificateUrl, sns.certificate)
    const base64 = authority.intermediate.certificate.replaceAll(/-----[A-Z ]+-----|\s/g, '')
    network.set(issuerUrl, Buffer.from(base64, 'base64'))
    expect(await handler()(signed(notification, sns.key))).toBe(200)
  })
})

describe('what is forged', () => {
  const whole = (): Fields => signed(notification, sns.key)
  const stranger = authority.leaf('stranger', ['shop.example.com'])
  const other = authority.leaf('sns-other', ['sns.amazonaws.com'])
  const servant = authority.leaf('servant', ['sns.amazonaws.com'])
  const below = authority.leaf('below', ['sns.amazonaws.com'], 'servant')
  const ownRoot = authority.selfSigned('own-root', ['sns.amazonaws.com'])

  it.each<[string, string, () => Fields]>([
    ['an altered message', 'not that of SNS', () => ({ ...whole(), Message: 'altered' })],
    ['an altered subject', 'not that of SNS', () => ({ ...signed({ ...notification, Subject: 'a' }, sns.key), Subject: 'b' })],
    ['a subject added', 'not that of SNS', () => ({ ...whole(), Subject: 'b' })],
    ['an altered time', 'not that of SNS', () => ({ ...whole(), Timestamp: new Date(now).toISOString() })],
    ['the signature of another key', 'not that of SNS', () => signed(notification, other.key)],
    ['a signature of another version', 'not that of SNS', () => ({ ...whole(), SignatureVersion: '2' })],
    ['no signature', 'no signature', () => notification],
    ['a signature that is none', 'not that of SNS', () => ({ ...whole(), Signature: 'none' })],
    ['a version that does not exist', 'no signature of a version', () => ({ ...whole(), SignatureVersion: '3' })],
    ['a topic of others', 'of a topic that is not taken', () => signed({ ...notification, TopicArn: `${topic}-of-others` }, sns.key)],
    ['a message that is too old', 'older', () => signed({ ...notification, Timestamp: new Date(now - 4_000_000).toISOString() }, sns.key)],
    ['a message of the future', 'of the future', () => signed({ ...notification, Timestamp: new Date(now + 400_000).toISOString() }, sns.key)],
    ['an id with lines', 'several ways', () => signed({ ...notification, MessageId: 'a\nSubject\nb' }, sns.key)],
    ['a subject with lines', 'several ways', () => signed({ ...notification, Subject: 'a\nTimestamp\nb' }, sns.key)],
  ])('is refused: %s', async (_what, problem, fields) => {
    expect(await handler()(fields())).toBe(403)
    expect(handled).toEqual([])
    expect(refusals).toEqual([{ status: 403, problem: expect.stringContaining(problem) }])
  })

  it.each([
    certificateUrl.replace('https:', 'http:'),
    'https://sns.eu-central-1.amazonaws.com.evil.example/SimpleNotificationService-abc.pem',
    'https://evil.example/SimpleNotificationService-abc.pem',
    'https://sns.us-east-1.amazonaws.com/SimpleNotificationService-abc.pem',
    'https://sns.eu-central-1.amazonaws.com.cn/SimpleNotificationService-abc.pem',
    'https://s3.eu-central-1.amazonaws.com/SimpleNotificationService-abc.pem',
    'https://x.sns.eu-central-1.amazonaws.com/SimpleNotificationService-abc.pem',
    'https://sns.eu-central-1.amazonaws.com@evil.example/SimpleNotificationService-abc.pem',
    'https://user:secret@sns.eu-central-1.amazonaws.com/SimpleNotificationService-abc.pem',
    'https://sns.eu-central-1.amazonaws.com:8443/SimpleNotificationService-abc.pem',
    'https://sns.eu-central-1.amazonaws.com/?x=/SimpleNotificationService-abc.pem',
    'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-abc.pem?x',
    'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-abc.pem#x',
    'https://sns.eu-central-1.amazonaws.com/other.pem',
    'https://sns.eu-central-1.amazonaws.com/a/../x/SimpleNotificationService-abc.pem',
    'file:///SimpleNotificationService-abc.pem',
    'not a URL',
  ])('is refused without a request: a certificate at %s', async (SigningCertURL) => {
    network.set(SigningCertURL, sns.certificate)
    expect(await handler()(signed({ ...notification, SigningCertURL }, sns.key))).toBe(403)
    expect(asked).toEqual([])
    expect(handled).toEqual([])
  })

  it.each<[string, Certified, string, string?]>([
    ['was not issued to SNS', stranger, 'not issued to SNS'],
    ['was issued by one that is no authority', below, 'no root that is trusted', `${servant.certificate}${authority.intermediate.certificate}`],
    ['is an authority', authority.intermediate, 'none for signatures'],
    ['is signed by itself', ownRoot, 'no root that is trusted'],
  ])('is refused: a certificate that %s', async (_what, { certificate, key }, problem, issuer) => {
    network.set(certificateUrl, certificate)
    if (issuer !== undefined) network.set(issuerUrl, issuer)
    expect(await handler()(signed(notification, key))).toBe(403)
    expect(refusals[0]?.problem).toContain(problem)
    expect(handled).toEqual([])
  })

  it('is refused: a certificate of another root, or one whose issuer is not told', async () => {
    expect(await handler({ roots: [stranger.certificate] })(whole())).toBe(403)
    // Those that Node trusts do not know our authority.
    expect(await handler({ roots: undefined as never })(whole())).toBe(403)
    network.set(issuerUrl, stranger.certificate)
    expect(await handler()(whole())).toBe(403)
    network.delete(issuerUrl)
    expect(await handler()(whole())).toBe(403)
  })

  it('is refused: a certificate that is not valid yet or any more, also one that is kept', async () => {
    let at = now
    const post = handler({ now: () => at })
    const dated = (): Fields => signed({ ...notification, Timestamp: new Date(at).toISOString() }, sns.key)
    expect(await post(dated())).toBe(200)
    at = now + 31 * 86_400_000
    expect(await post(dated())).toBe(403)
    expect(await handler({ now: () => at })(dated())).toBe(403)
    at = now - 86_400_000
    expect(await handler({ now: () => at })(dated())).toBe(403)
    expect(handled).toHaveLength(1)
  })

  it('is refused: a certificate whose root is not valid any more', async () => {
    const root = authority.otherRoot('short-lived', 5)
    const own = authority.leaf('outlives', ['sns.amazonaws.com'], 'short-lived')
    network.set(certificateUrl, own.certificate)
    let at = now
    const post = (): Promise<number> =>
      handler({ now: () => at, roots: [root.certificate] })(signed({ ...notification, Timestamp: new Date(at).toISOString() }, own.key))
    expect(await post()).toBe(200)
    at = now + 6 * 86_400_000
    expect(await post()).toBe(403)
    expect(refusals[0]?.problem).toContain('the root of its chain is not valid now')
  })

  it('is refused: what is signed by SHA-1 where only SHA-256 is taken', async () => {
    const post = handler({ signatureVersions: ['2'] })
    expect([await post(whole()), await post(signed(notification, sns.key, '2'))]).toEqual([403, 200])
  })

  it('is refused: raw delivery, which has no signature', async () => {
    expect(await handler()('{"total":1}', { 'x-amz-sns-rawdelivery': 'true' })).toBe(403)
    expect(refusals[0]?.problem).toContain('turn it off')
  })

  it('confirms no subscription', async () => {
    const posts = [{ ...signed(confirmation, sns.key), Token: 'other' }, signed({ ...confirmation, TopicArn: `${topic}-of-others` }, sns.key), confirmation]
    for (const fields of posts) expect(await handler()(fields)).toBe(403)
    expect(asked.filter((url) => url.includes('Action='))).toEqual([])
  })
})

describe('what is no message of SNS', () => {
  it.each(['', '{', 'null', '[]', '{"Type":"Notification"}', '{"Type":"Other"}', '{"total":1}'])('is answered 400: %s', async (body) => {
    expect(await handler()(body)).toBe(400)
    expect(handled).toEqual([])
  })

  it('is answered 405 and 413: other methods, and too much', async () => {
    const answer = snsHttpHandler({ topics: [topic], handle: () => undefined, maxBytes: 1_024 })
    const get = await answer(new Request('https://example.com'))
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
    expect((await answer(new Request('https://example.com', { method: 'POST', body: 'x'.repeat(1_025) }))).status).toBe(413)
    let pulled = 0
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled++
        controller.enqueue(new Uint8Array(512))
      },
    })
    const streamed = await answer(new Request('https://example.com', { method: 'POST', body: endless, duplex: 'half' }))
    expect([streamed.status, pulled < 10]).toEqual([413, true])
  })

  it('is answered 400 when it ends early', async () => {
    const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('reset')) })
    const answer = snsHttpHandler({ topics: [topic], handle: () => undefined })
    expect((await answer(new Request('https://example.com', { method: 'POST', body: broken, duplex: 'half' }))).status).toBe(400)
  })
})

describe('certificates', () => {
  const urlOf = (index: number): string => `https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-${index}.pem`
  const at = (index: number): Fields => signed({ ...notification, SigningCertURL: urlOf(index) }, sns.key)

  it('are fetched once, also for messages that come at once', async () => {
    const post = handler()
    const all = await Promise.all(Array.from({ length: 20 }, () => post(signed(notification, sns.key))))
    await post(signed(notification, sns.key))
    expect(new Set(all)).toEqual(new Set([200]))
    expect(asked).toEqual([certificateUrl, issuerUrl])
  })

  it('are kept up to a bound', async () => {
    for (let index = 0; index < 40; index++) network.set(urlOf(index), sns.certificate)
    const post = handler()
    for (let index = 0; index < 40; index++) expect(await post(at(index))).toBe(200)
    asked = []
    expect([await post(at(39)), asked.length]).toEqual([200, 0])
    expect([await post(at(0)), asked[0]]).toEqual([200, urlOf(0)])
  })

  it('that are not there are not asked for again for a minute', async () => {
    let clock = now
    const post = handler({ now: () => clock })
    expect([await post(at(1)), await post(at(1))]).toEqual([403, 403])
    expect(asked).toEqual([urlOf(1)])
    network.set(urlOf(1), sns.certificate)
    clock += 60_001
    expect(await post(at(1))).toBe(200)
  })

  it('that cannot be fetched now are answered 503, and fetched when the message comes again', async () => {
    for (const broken of [new Error('reset'), 500, 429]) {
      network.set(certificateUrl, broken)
      const post = handler()
      expect(await post(signed(notification, sns.key))).toBe(503)
      network.set(certificateUrl, sns.certificate)
      network.set(issuerUrl, new Error('reset'))
      expect(await post(signed(notification, sns.key))).toBe(503)
      network.set(issuerUrl, authority.intermediate.certificate)
      expect(await post(signed(notification, sns.key))).toBe(200)
    }
  })

  it('are not fetched by the hundred for messages that nobody has verified', async () => {
    const waiting: (() => void)[] = []
    const slow = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      return fetchFake(input, init)
    }
    const post = handler({ fetch: slow })
    const all = Array.from({ length: 100 }, (_, index) => post(at(index)))
    await expect.poll(() => waiting.length).toBe(8)
    await expect.poll(() => refusals.length).toBe(92)
    for (const go of waiting) go()
    expect((await Promise.all(all)).filter((status) => status === 503)).toHaveLength(92)
  })

  it('that are too large are not read to their end', async () => {
    network.set(certificateUrl, 'x'.repeat(100_000))
    expect(await handler()(signed(notification, sns.key))).toBe(503)
  })
})

it.each<[Partial<Record<keyof SnsHttpOptions | 'topcis', unknown>>, string]>([
  [{ topcis: [] }, "did you mean 'topics'?"],
  [{ topics: [] }, 'topics'],
  [{ topics: ['order-placed'] }, 'not the ARN of a topic'],
  [{ handle: undefined }, 'handle'],
  [{ signatureVersions: ['3'] }, 'signatureVersions'],
  [{ signatureVersions: [] }, 'signatureVersions'],
  [{ maxAgeMs: 1 }, 'maxAgeMs'],
  [{ maxBytes: 1 }, 'maxBytes'],
  [{ timeoutMs: 60_000 }, 'timeoutMs'],
])('refuses the options %j', (options, problem) => {
  expect(() => snsHttpHandler({ topics: [topic], handle: () => undefined, ...options } as SnsHttpOptions)).toThrow(problem)
})
