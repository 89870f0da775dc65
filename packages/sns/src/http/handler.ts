import { X509Certificate } from 'node:crypto'
import { assertKnownKeys, checkedInteger, isBrokerError } from '@busbar/core/driver'
import { parseSnsMessage, type SnsConfirmation, type SnsNotification } from '@busbar/sqs/foreign'
import { Certificates } from './certificates.ts'
import { defaultRoots } from './chain.ts'
import { fetchBounded, readBounded } from './fetch-bounded.ts'
import { regionOf, snsHost } from './hosts.ts'
import { Refused } from './refused.ts'
import { isSignedBy, isUnambiguous, type SignatureVersion } from './signature.ts'

/** Options of {@link snsHttpHandler}. */
export interface SnsHttpOptions {
  /** ARNs of the topics whose messages are taken. What comes from others is refused. At least one. */
  readonly topics: readonly string[]
  /**
   * Called for every notification that is proven to be from SNS and one of the topics. What it returns is waited for; when it throws or rejects, SNS is answered 500 and
   * delivers the message again by the policy of the subscription. SNS waits 15 seconds for an answer. A message may come more than once: its `messageId` stays the same.
   */
  readonly handle: (notification: SnsNotification) => unknown
  /** Confirms subscriptions of the topics. Default true; `false` answers them 200 and leaves that to others. */
  readonly confirm?: boolean
  /** Told when a subscription has ended. Nothing is done about it. */
  readonly onUnsubscribed?: (confirmation: SnsConfirmation) => void
  /** Told of every request that is not answered 200, and why; must not throw. `problem` holds nothing of the message; `error` is what the handler has failed with. */
  readonly onRefused?: (refusal: { readonly status: number; readonly problem: string; readonly error?: unknown }) => void
  /** Oldest message that is taken, by when it was published, in milliseconds. 60,000 to 86,400,000. Default 3,900,000: SNS retries for an hour at most. */
  readonly maxAgeMs?: number
  /** Largest request in bytes. 1,024 to 16,777,216. Default 2,097,152: a message of 256 KiB whose every character is escaped. */
  readonly maxBytes?: number
  /** Bounds each request to SNS for a certificate or a confirmation, in milliseconds. 100 to 14,000. Default 5,000. */
  readonly timeoutMs?: number
  /** Versions of the signature that are taken. Default both. A topic signs by version 2 when its attribute `SignatureVersion` says so. */
  readonly signatureVersions?: readonly SignatureVersion[]
  /** Fetches certificates and confirms. Default: that of Node. */
  readonly fetch?: typeof globalThis.fetch
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: () => number
  /** Certificates of authorities, as PEM, to one of which that of SNS must lead. Default: those that Node trusts. */
  readonly roots?: readonly string[]
}

/** Answers one request. */
export type SnsHttpHandler = (request: Request) => Promise<Response>

const known: readonly (keyof SnsHttpOptions)[] = [
  'topics',
  'handle',
  'confirm',
  'onUnsubscribed',
  'onRefused',
  'maxAgeMs',
  'maxBytes',
  'timeoutMs',
  'signatureVersions',
  'fetch',
  'now',
  'roots',
]

/** Clocks may differ by so much. */
const maxAheadMs = 300_000

/**
 * Receives what SNS delivers by HTTP: verifies that it is from SNS, from a topic of yours and not old, confirms subscriptions, and hands notifications over.
 *
 * Answers 200 for what was handled; 400 for what is no message of SNS and 403 for what is not proven to be one, neither of which is handled; 405 and 413 for other methods
 * and for too much; 500 when the handler fails and 503 when SNS could not be asked, after which SNS tries again. Raw delivery has no signature: leave it off.
 *
 * ```ts
 * const handler = snsHttpHandler({ topics: [topicArn], handle: async ({ message }) => charge(JSON.parse(message)) })
 * ```
 * Throws `TypeError` and `RangeError` for illegal options.
 */
export function snsHttpHandler(options: SnsHttpOptions): SnsHttpHandler {
  const receiver = new Receiver(options)
  return (request) => receiver.answer(request)
}

class Receiver {
  readonly #options: SnsHttpOptions
  readonly #topics: ReadonlySet<string>
  readonly #maxAgeMs: number
  readonly #maxBytes: number
  readonly #timeoutMs: number
  readonly #versions: readonly string[]
  readonly #fetch: typeof globalThis.fetch
  readonly #now: () => number
  readonly #certificates: Certificates

  constructor(options: SnsHttpOptions) {
    assertKnownKeys('snsHttpHandler', options, known)
    const { topics, handle, signatureVersions = ['1', '2'], fetch = globalThis.fetch, now = Date.now, roots } = options
    if (!Array.isArray(topics) || topics.length === 0) throw new TypeError('snsHttpHandler: topics must be a list of ARNs')
    for (const arn of topics as readonly unknown[])
      if (typeof arn !== 'string' || regionOf(arn) === '') throw new TypeError(`snsHttpHandler: ${String(arn).slice(0, 300)} is not the ARN of a topic`)
    if (typeof handle !== 'function') throw new TypeError('snsHttpHandler: handle must be a function')
    if (signatureVersions.length === 0 || signatureVersions.some((version) => version !== '1' && version !== '2'))
      throw new TypeError("snsHttpHandler: signatureVersions must be a list of '1' and '2'")
    this.#options = options
    this.#topics = new Set(topics)
    this.#maxAgeMs = checkedInteger('snsHttpHandler: maxAgeMs', options.maxAgeMs ?? 3_900_000, 60_000, 86_400_000)
    this.#maxBytes = checkedInteger('snsHttpHandler: maxBytes', options.maxBytes ?? 2_097_152, 1_024, 16_777_216)
    this.#timeoutMs = checkedInteger('snsHttpHandler: timeoutMs', options.timeoutMs ?? 5_000, 100, 14_000)
    this.#versions = signatureVersions
    this.#fetch = fetch
    this.#now = now
    const trusted = roots?.map((text) => new X509Certificate(text))
    this.#certificates = new Certificates({ fetch, now, timeoutMs: this.#timeoutMs, roots: () => trusted ?? defaultRoots() })
  }

  async answer(request: Request): Promise<Response> {
    try {
      const message = await this.#read(request)
      await this.#verify(message)
      await this.#act(message)
      return new Response(null, { status: 200 })
    } catch (error) {
      const refused = error instanceof Refused ? error : new Refused(500, 'the handler has failed')
      this.#options.onRefused?.({ status: refused.status, problem: refused.message, ...(refused !== error && { error }) })
      // Why is for the log of who runs this, not for whoever asks.
      return new Response(null, { status: refused.status, ...(refused.status === 405 && { headers: { allow: 'POST' } }) })
    }
  }

  async #read(request: Request): Promise<SnsNotification | SnsConfirmation> {
    if (request.method !== 'POST') throw new Refused(405, 'SNS sends POST requests')
    if (request.headers.get('x-amz-sns-rawdelivery') === 'true') throw new Refused(403, 'raw delivery has no signature: turn it off for this subscription')
    const tooLarge = new Refused(413, `it has more than ${this.#maxBytes} bytes`)
    if (Number(request.headers.get('content-length') ?? 0) > this.#maxBytes) throw tooLarge
    let body: Uint8Array | undefined
    try {
      body = await readBounded(request.body, this.#maxBytes)
    } catch {
      throw new Refused(400, 'its body ended early')
    }
    if (body === undefined) throw tooLarge
    try {
      return parseSnsMessage(body)
    } catch (error) {
      if (isBrokerError(error)) throw new Refused(400, error.message)
      throw error
    }
  }

  async #verify(message: SnsNotification | SnsConfirmation): Promise<void> {
    const { topicArn, timestamp, signature } = message
    if (!this.#topics.has(topicArn)) throw new Refused(403, 'it is of a topic that is not taken')
    const ageMs = this.#now() - timestamp
    if (ageMs > this.#maxAgeMs) throw new Refused(403, `it is older than ${this.#maxAgeMs} ms`)
    if (ageMs < -maxAheadMs) throw new Refused(403, 'it is of the future')
    if (signature === undefined || !this.#versions.includes(signature.version)) throw new Refused(403, 'it has no signature of a version that is taken')
    if (!isUnambiguous(message)) throw new Refused(403, 'its fields can be read in several ways')
    const key = await this.#certificates.keyOf(signature.certificateUrl, regionOf(topicArn))
    if (!isSignedBy(message, key)) throw new Refused(403, 'its signature is not that of SNS')
  }

  async #act(message: SnsNotification | SnsConfirmation): Promise<void> {
    if (message.type === 'Notification') await this.#options.handle(message)
    else if (message.type === 'UnsubscribeConfirmation') this.#options.onUnsubscribed?.(message)
    else if (this.#options.confirm !== false) await this.#confirm(message)
  }

  /** Asks SNS itself, and not the address in the message. */
  async #confirm({ topicArn, token }: SnsConfirmation): Promise<void> {
    const query = new URLSearchParams({ Action: 'ConfirmSubscription', TopicArn: topicArn, Token: token })
    const url = `https://${snsHost(regionOf(topicArn))}/?${query.toString()}`
    let status: number
    try {
      ;({ status } = await fetchBounded(this.#fetch, url, { timeoutMs: this.#timeoutMs, maxBytes: 65_536 }))
    } catch (error) {
      throw new Refused(503, `the subscription could not be confirmed: ${error instanceof Error ? error.message : String(error)}`)
    }
    if (status !== 200) throw new Refused(503, `the subscription could not be confirmed: status ${status}`)
  }
}
