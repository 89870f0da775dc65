import type { ContractCase } from '../case.ts'
import { check, checkOrder } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { MessageParts } from '../kit/messages.ts'

const delay: ContractCase = {
  id: 'sending/delay',
  title: 'a delayed message arrives neither before its time nor later than the declared resolution, and its neighbours at once',
  examines: ['delay'],
  kills: ['delay-ignored', 'delay-early', 'delay-late', 'delay-on-all-of-batch', 'delay-on-wrong-message', 'delay-claimed'],
  applies: ({ delay }) => delay !== false,
  waitsMs: ({ delay }) => (delay === false ? 0 : delayOf(delay.maxMs) + delay.resolutionMs),
  async run(context) {
    const place = await context.place()
    const declared = place.capabilities.delay
    check(declared !== false, 'delay is declared')
    const delayMs = delayOf(declared.maxMs)
    const session = await context.connect()
    const inbox = await session.receive(place)
    const sentAt = context.now
    await session.send(place, [{ body: 'now-1' }, { body: 'later', delayMs }, { body: 'now-2' }])
    const confirmedAt = context.now
    await context.waiting.eventually(
      () => inbox.has(['now-1', 'now-2']),
      'messages without a delay arrive at once',
      Math.min(context.harness.bounds.arrivalMs, delayMs * 0.75),
    )
    await context.waiting.eventually(
      () => inbox.has(['later']),
      'the delayed message arrives',
      delayMs + declared.resolutionMs + context.harness.bounds.arrivalMs,
    )
    const first = inbox.arrivals.find(({ text }) => text === 'later')
    check(
      first !== undefined && first.at - sentAt >= delayMs,
      () => `the message arrives no earlier than ${delayMs} ms after it was sent; it came after ${(first?.at ?? 0) - sentAt} ms`,
    )
    check(first.at - confirmedAt <= delayMs + declared.resolutionMs + context.harness.bounds.arrivalMs, 'the message is not late')
  },
}

const longestDelay: ContractCase = {
  id: 'sending/longest-delay',
  title: 'the longest declared delay is kept, not shortened',
  examines: ['delay'],
  kills: ['long-delay-clamped', 'overclaims-delay'],
  applies: ({ delay }) => delay !== false,
  waitsMs: ({ delay }) => (delay === false ? 0 : delay.maxMs),
  async run(context) {
    const place = await context.place()
    const declared = place.capabilities.delay
    check(declared !== false, 'delay is declared')
    const session = await context.connect()
    const inbox = await session.receive(place)
    const dueAt = context.now + declared.maxMs
    await session.send(place, [{ body: 'longest', delayMs: declared.maxMs }])
    await context.waiting.never(() => inbox.arrivals.length > 0, 'the message arrives early', dueAt - context.now - 1)
    await context.waiting.eventually(() => inbox.has(['longest']), 'the message arrives', declared.resolutionMs + context.harness.bounds.arrivalMs)
  },
}

const sharedDeduplication: Pick<ContractCase, 'examines' | 'applies' | 'waitsMs' | 'run'> = {
  examines: ['deduplication'],
  applies: ({ deduplication }) => deduplication !== false,
  waitsMs: ({ deduplication }) => (deduplication === false ? 0 : deduplication.windowMs),
  run: deduplicates,
}

const deduplication: ContractCase = {
  ...sharedDeduplication,
  id: 'sending/deduplication',
  title: 'a second send with the same deduplication id is dropped to the end of the window; after the window, and without the id, it is not',
  kills: ['deduplication-ignored', 'deduplication-for-ever', 'deduplication-by-message-id', 'deduplication-claimed', 'overclaims-deduplication-window'],
}

const deduplicationOfKeys: ContractCase = {
  ...sharedDeduplication,
  id: 'sending/deduplication-of-keys',
  title: 'the same holds where messages have ordering keys',
  kills: ['deduplication-ignored', 'overclaims-deduplication-of-keys'],
  keyed: true,
}

const deduplicationWithoutKeys: ContractCase = {
  id: 'sending/deduplication-without-keys',
  title: 'where messages have ordering keys, those without one that repeat each other are one message too, and others are not held up by them',
  examines: ['deduplication'],
  kills: ['deduplication-of-keys-alone'],
  keyed: true,
  applies: ({ deduplication }) => deduplication !== false,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    const inbox = await session.receive(place, { react: () => 'ack' })
    for (const body of ['first', 'repeat', 'again']) await session.send(place, [{ body, deduplicationId: 'd-1' }])
    await session.send(place, [{ body: 'other', deduplicationId: 'd-2' }, { body: 'without' }, { body: 'without too' }])
    await context.waiting.eventually(
      () => inbox.has(['first', 'other', 'without', 'without too']),
      'messages with other or no deduplication ids arrive',
      context.harness.bounds.arrivalMs,
    )
    await context.waiting.never(() => inbox.has(['repeat']) || inbox.has(['again']), 'a repeat arrives', context.harness.bounds.quietMs)
  },
}

async function deduplicates(context: CaseContext): Promise<void> {
  const place = await context.place()
  const { deduplication: declared } = place.capabilities
  check(declared !== false, 'deduplication is declared')
  const session = await context.connect()
  const inbox = await session.receive(place, { react: () => 'ack' })
  const { bounds } = context.harness
  const send = (parts: MessageParts): Promise<void> => session.send(place, [{ ...(context.keyed ? { key: 'a' } : {}), ...parts }])
  const startedAt = context.now
  await send({ body: 'first', deduplicationId: 'd-1' })
  const sentAt = context.now
  await send({ body: 'repeat', deduplicationId: 'd-1' })
  await send({ body: 'same-id-1', id: 'same' })
  await send({ body: 'same-id-2', id: 'same' })
  await send({ body: 'other', deduplicationId: 'd-2' })
  await context.waiting.eventually(
    () => inbox.has(['first', 'same-id-1', 'same-id-2', 'other']),
    'messages with other or no deduplication ids arrive',
    bounds.arrivalMs,
  )
  await context.waiting.until(startedAt + declared.windowMs - Math.min(bounds.quietMs, declared.windowMs / 4))
  await send({ body: 'late repeat', deduplicationId: 'd-1' })
  await context.waiting.never(() => inbox.has(['repeat']) || inbox.has(['late repeat']), 'a repeat inside the window arrives', bounds.quietMs)
  await context.waiting.until(sentAt + declared.windowMs + bounds.quietMs)
  await send({ body: 'after the window', deduplicationId: 'd-1' })
  await context.waiting.eventually(() => inbox.has(['after the window']), 'the id can be used again after the window', bounds.arrivalMs)
}

const timeToLive: ContractCase = {
  id: 'sending/time-to-live',
  title: 'a message past its time to live is not delivered, one within it is, however long that is',
  examines: ['timeToLive'],
  kills: ['time-to-live-ignored', 'time-to-live-early', 'time-to-live-halved', 'time-to-live-claimed', 'overclaims-time-to-live'],
  applies: ({ timeToLive }) => timeToLive !== false,
  waitsMs: () => 2_000,
  async run(context) {
    const place = await context.place()
    check(place.capabilities.timeToLive !== false, 'a time to live is declared')
    const { maxMs } = place.capabilities.timeToLive
    const session = await context.connect()
    await session.send(place, [
      { body: 'short', timeToLiveMs: Math.min(maxMs, 1_000) },
      // Half of it is over when it is received, and no more than that.
      { body: 'middle', timeToLiveMs: Math.min(maxMs, 3_800) },
      { body: 'longest', timeToLiveMs: maxMs },
      { body: 'none' },
    ])
    await context.waiting.until(context.now + 2_000)
    const inbox = await session.receive(place)
    const living = maxMs < 3_800 ? ['none'] : ['middle', 'longest', 'none']
    await context.waiting.eventually(
      () => inbox.has(living),
      () => `messages within their time to live arrive: ${living.join(', ')}; only ${inbox.distinct().join(', ')} did`,
      context.harness.bounds.arrivalMs,
    )
    await context.waiting.never(() => inbox.has(['short']), 'an expired message arrives', context.harness.bounds.quietMs)
  },
}

const priority: ContractCase = {
  id: 'sending/priority',
  title: 'of the messages waiting, those of higher priority are delivered first, and every level counts',
  examines: ['priority'],
  kills: ['priority-ignored', 'priority-inverted', 'priority-claimed', 'overclaims-priority-levels'],
  applies: ({ priority }) => priority !== false,
  async run(context) {
    const place = await context.place()
    check(place.capabilities.priority !== false, 'priority is declared')
    const levels = spreadOf(place.capabilities.priority.levels)
    const session = await context.connect()
    for (const level of levels) await session.send(place, [{ body: `level-${level}`, priority: level }])
    await session.send(place, ['default'])
    const inbox = await session.receive(place, { window: { messages: 1, bytes: 1_000_000 }, react: () => 'ack' })
    await context.waiting.eventually(() => inbox.distinct().length === levels.length + 1, 'all messages arrive', context.harness.bounds.arrivalMs)
    checkOrder(
      inbox.texts().filter((text) => text !== 'default'),
      levels.toReversed().map((level) => `level-${level}`),
      'order of arrival',
    )
    check(inbox.distinct().indexOf('default') >= levels.length - 1, 'a message without a priority counts as the lowest')
  },
}

export const scheduleCases: readonly ContractCase[] = [delay, longestDelay, deduplication, deduplicationOfKeys, deduplicationWithoutKeys, timeToLive, priority]

/** All levels, or where there are many some of them: the lowest two, the highest two, and between. */
function spreadOf(levels: number): number[] {
  if (levels <= 12) return Array.from({ length: levels }, (_, level) => level)
  const between = Array.from({ length: 8 }, (_, index) => Math.floor((levels * (index + 1)) / 9))
  return [...new Set([0, 1, ...between, levels - 2, levels - 1])].toSorted((a, b) => a - b)
}

/** Long enough to be told from the resolution of any broker, short enough for real time. */
function delayOf(maxMs: number): number {
  return Math.min(maxMs, 4_000)
}
