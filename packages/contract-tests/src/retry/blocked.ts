import type { BlockedKey, Broker } from '@busbar/core'
import type { Capabilities } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check, checkEqual, checkOrder, show } from '../kit/assert.ts'
import { holdMs, ordered } from '../kit/capabilities.ts'
import { keyOf, type Handled, type TextPlace } from '../kit/broker-kit.ts'
import type { CaseContext } from '../kit/context.ts'
import { kept, letters, sorted, textOfLetter } from '../dead-letters/letters.ts'
import { quickRetry } from './quick-retry.ts'

const blockedKey: ContractCase = {
  id: 'retry/blocked-key',
  title: 'a message that is tried until it succeeds holds back its key and no other, is listed, and its key goes on when it is tried again and succeeds',
  examines: ['ordering', 'keyHold', 'lease'],
  kills: ['extend-no-op', 'held-message-stops-all'],
  keyed: true,
  applies: ordered,
  waitsMs: (capabilities) => 2.5 * holdMs(capabilities),
  async run(context) {
    const { capabilities } = await context.place()
    const { place, broker, handled, succeeded, work, ids } = await open(context)
    await send(broker, place, ['a:1', 'a:2', 'b:1'], ids)
    const consumer = await broker.consume(place.source, work, { use: [quickRetry(2)], onExhausted: 'block' })
    const [blocked] = await blockedKeys(context, broker, place, 1)
    check(blocked !== undefined, 'a key is blocked')
    checkEqual([blocked.key, blocked.messageId, consumer.stats.blocked], ['a', ids.get('a:1'), 1], 'key, message and count of what is blocked')
    check(blocked.attempts >= 2 && blocked.error instanceof Error, () => `it says how often it was tried and why it failed: ${show(blocked)}`)
    // Where messages have leases of their own, another consumer would get what is not kept.
    const elsewhere: Handled[] = []
    const shared = holdMs(capabilities) > 0 && capabilities.competingConsumers
    // Into one list: a broker that lets out one message of a key at a time may give the key's next one to the other consumer.
    const otherWork = context.api.recording(elsewhere, ({ body }) => void succeeded.push(body))
    if (shared) await (await other(context, place)).consume(place.source, otherWork)
    await context.waiting.until(context.now + context.harness.bounds.quietMs)
    await send(broker, place, ['a:3', 'b:2', 'c:1'], ids)
    const done = (): string[] => succeeded
    await context.waiting.eventually(
      () => ['b:1', 'b:2', 'c:1'].every((body) => done().includes(body)),
      () => `other keys go on; only ${show(done())} are handled`,
      context.againMs(await context.place()),
    )
    await context.waiting.never(
      () => handled.some(({ text }) => text === 'a:2' || text === 'a:3') || elsewhere.some(({ text }) => keyOf(text) === 'a'),
      () => `a blocked key goes on, or another consumer gets it: ${show([...handled, ...elsewhere].map(({ text }) => text))}`,
      Math.max(context.harness.bounds.quietMs, 2 * holdMs(capabilities)),
    )
    checkEqual(await broker.blockedKeys(place.source).retry({ where: ({ key }) => key === 'b' }), 0, 'blocked messages of a key that is not')
    work.mended = true
    check((await broker.blockedKeys(place.source).retry()) >= 1, 'the blocked message is tried again when asked')
    await context.waiting.eventually(
      () => done().includes('a:3'),
      () => `the key goes on; only ${show(done())} are handled`,
      context.againMs(await context.place()),
    )
    checkOrder(
      done().filter((body) => keyOf(body) === 'a'),
      ['a:1', 'a:2', 'a:3'],
      'order of the key that was blocked',
    )
    await blockedKeys(context, broker, place, 0)
    checkEqual(consumer.stats.blocked, 0, 'blocked messages')
  },
}

const skipped: ContractCase = {
  id: 'retry/blocked-key-skipped',
  title: 'a blocked message that is skipped goes to the dead letters whole, is not started again, and the rest of its key follows in order',
  examines: ['ordering', 'keyHold', 'deadLetter'],
  kills: ['second-hop-drops-key', 'ack-no-op'],
  keyed: true,
  looksAtDeadLetters: true,
  applies: (capabilities) => ordered(capabilities) && kept(capabilities),
  waitsMs: holdMs,
  async run(context) {
    const { capabilities } = await context.place()
    const { place, broker, handled, succeeded, work, ids } = await open(context)
    const headers = { tenant: 'acme', 'X-Mixed': ' kept ' }
    await send(broker, place, ['a:1', 'a:2', 'a:3', 'b:1'], ids, headers)
    await broker.consume(place.source, work, { use: [quickRetry(2)], onExhausted: 'block' })
    const [blocked] = await blockedKeys(context, broker, place, 1)
    const starts = (): number => handled.filter(({ text }) => text === 'a:1').length
    const before = starts()
    const skippedNow = await broker.blockedKeys(place.source).skip({ where: ({ messageId }) => messageId === ids.get('a:1'), reason: 'customer has left' })
    checkEqual([blocked?.messageId, skippedNow], [ids.get('a:1'), 1], 'what is skipped, and how many')
    // A broker may have stored copies, which are blocked in their turn.
    await context.waiting.poll(
      () => broker.blockedKeys(place.source).skip({ reason: 'customer has left' }),
      () => succeeded.includes('a:3'),
      () => `the key goes on; only ${show(succeeded)} are handled`,
      context.againMs(await context.place()) + 60_000,
      500,
    )
    checkOrder(
      succeeded.filter((body) => keyOf(body) === 'a'),
      ['a:2', 'a:3'],
      'order of the key after the skip',
    )
    await checkDeadLetter(context, broker, place, capabilities, { id: ids.get('a:1'), headers, attempts: before })
    const after = starts()
    await context.waiting.never(() => starts() > after, 'what was skipped is started again', context.silenceMs(await context.place()))
  },
}

export const blockedKeyCases: readonly ContractCase[] = [blockedKey, skipped]

interface Work {
  (...given: Parameters<ReturnType<CaseContext['api']['recording']>>): unknown
  mended?: boolean
}

interface Opened {
  readonly place: TextPlace
  readonly broker: Broker
  readonly handled: Handled[]
  readonly succeeded: string[]
  /** Fails on `a:1` until it is mended. */
  readonly work: Work
  readonly ids: Map<string, string>
}

async function open(context: CaseContext): Promise<Opened> {
  const place = context.api.place()
  // The broker must not give up by itself what is tried until it succeeds.
  const broker = await context.api.broker(place, { route: { nativeLimit: false } })
  const handled: Handled[] = []
  const succeeded: string[] = []
  const work: Work = context.api.recording(handled, ({ body }) => {
    if (body === 'a:1' && work.mended !== true) throw new Error('poison')
    succeeded.push(body)
  })
  return { place, broker, handled, succeeded, work, ids: new Map() }
}

/** The same source by a broker of its own. */
function other(context: CaseContext, place: TextPlace): Promise<Broker> {
  return context.api.broker(place, { route: { nativeLimit: false } })
}

async function send(
  broker: Broker,
  place: TextPlace,
  bodies: readonly string[],
  ids: Map<string, string>,
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  for (const body of bodies) ids.set(body, (await broker.producer(place.destination).send(body, { headers })).id)
}

function blockedKeys(context: CaseContext, broker: Broker, { source }: TextPlace, count: number): Promise<readonly BlockedKey[]> {
  return context.waiting.poll(
    () => broker.blockedKeys(source).list(),
    (found) => found.length === count,
    (found) => `${count} keys are blocked: ${show(found.map(({ key, messageId }) => [key, messageId]))}`,
    30_000 + context.harness.bounds.arrivalMs,
    100,
  )
}

interface Expected {
  readonly id: string | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly attempts: number
}

/** Looks at it where that can be done, and consumes it elsewhere. */
async function checkDeadLetter(
  context: CaseContext,
  broker: Broker,
  place: TextPlace,
  { peek }: Capabilities,
  { id, headers, attempts }: Expected,
): Promise<void> {
  const whole = ['a:1', sorted(headers), id, 'a']
  if (peek !== 'none') {
    const [letter] = await letters(context, broker, place, 1)
    check(letter?.info !== undefined, 'there is a dead letter, and it has its reason')
    checkEqual([textOfLetter(letter), sorted(letter.headers), letter.id, letter.orderingKey], whole, 'body, headers, id and key of the dead letter')
    checkEqual([letter.info.reason, letter.info.attempts], ['customer has left', attempts], 'reason and attempts')
    return
  }
  const found: Handled[] = []
  await broker.consume(broker.deadLetters(place.source).queue, context.api.recording(found))
  await context.waiting.eventually(() => found.length > 0, 'the dead letter can be consumed', context.harness.bounds.arrivalMs)
  const message = found[0]?.message
  const { 'busbar-dead': _, ...own } = message?.headers ?? {}
  checkEqual([message?.body, sorted(own), message?.id, message?.orderingKey], whole, 'body, headers, id and key of the dead letter')
}
