import type { ContractCase } from '../case.ts'
import { check, checkOrder } from '../kit/assert.ts'

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
  kills: ['long-delay-clamped'],
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

const deduplication: ContractCase = {
  id: 'sending/deduplication',
  title: 'a second send with the same deduplication id inside the window is dropped; after the window, and without the id, it is not',
  examines: ['deduplication'],
  kills: ['deduplication-ignored', 'deduplication-for-ever', 'deduplication-by-message-id', 'deduplication-claimed'],
  applies: ({ deduplication }) => deduplication !== false,
  waitsMs: ({ deduplication }) => (deduplication === false ? 0 : deduplication.windowMs),
  async run(context) {
    const place = await context.place()
    const { deduplication: declared } = place.capabilities
    check(declared !== false, 'deduplication is declared')
    const session = await context.connect()
    const inbox = await session.receive(place, { react: () => 'ack' })
    const { bounds } = context.harness
    await session.send(place, [{ body: 'first', deduplicationId: 'd-1' }])
    const sentAt = context.now
    await session.send(place, [
      { body: 'repeat', deduplicationId: 'd-1' },
      { body: 'same-id-1', id: 'same' },
    ])
    await session.send(place, [
      { body: 'same-id-2', id: 'same' },
      { body: 'other', deduplicationId: 'd-2' },
    ])
    await context.waiting.eventually(
      () => inbox.has(['first', 'same-id-1', 'same-id-2', 'other']),
      'messages with other or no deduplication ids arrive',
      bounds.arrivalMs,
    )
    await context.waiting.never(() => inbox.has(['repeat']), 'the repeated message arrives', bounds.quietMs)
    await context.waiting.until(sentAt + declared.windowMs + bounds.quietMs)
    await session.send(place, [{ body: 'after the window', deduplicationId: 'd-1' }])
    await context.waiting.eventually(() => inbox.has(['after the window']), 'the id can be used again after the window', bounds.arrivalMs)
  },
}

const timeToLive: ContractCase = {
  id: 'sending/time-to-live',
  title: 'a message past its time to live is not delivered, one within it is',
  examines: ['timeToLive'],
  kills: ['time-to-live-ignored', 'time-to-live-early', 'time-to-live-claimed'],
  applies: ({ timeToLive }) => timeToLive !== false,
  waitsMs: () => 2_000,
  async run(context) {
    const place = await context.place()
    const session = await context.connect()
    await session.send(place, [{ body: 'short', timeToLiveMs: 1_000 }, { body: 'long', timeToLiveMs: 600_000 }, { body: 'none' }])
    await context.waiting.until(context.now + 2_000)
    const inbox = await session.receive(place)
    await context.waiting.eventually(() => inbox.has(['long', 'none']), 'messages within their time to live arrive', context.harness.bounds.arrivalMs)
    await context.waiting.never(() => inbox.has(['short']), 'an expired message arrives', context.harness.bounds.quietMs)
  },
}

const priority: ContractCase = {
  id: 'sending/priority',
  title: 'of the messages waiting, those of higher priority are delivered first',
  examines: ['priority'],
  kills: ['priority-ignored', 'priority-inverted', 'priority-claimed'],
  applies: ({ priority }) => priority !== false,
  async run(context) {
    const place = await context.place()
    check(place.capabilities.priority !== false, 'priority is declared')
    const top = place.capabilities.priority.levels - 1
    const session = await context.connect()
    await session.send(place, [{ body: 'low', priority: 0 }, { body: 'default' }, { body: 'high', priority: top }])
    const inbox = await session.receive(place, { window: { messages: 1, bytes: 1_000_000 }, react: () => 'ack' })
    await context.waiting.eventually(() => inbox.distinct().length === 3, 'all messages arrive', context.harness.bounds.arrivalMs)
    checkOrder(
      inbox.texts().filter((text) => text !== 'default'),
      ['high', 'low'],
      'order of arrival',
    )
    check(inbox.distinct()[0] === 'high', 'a message without a priority counts as the lowest')
  },
}

export const scheduleCases: readonly ContractCase[] = [delay, longestDelay, deduplication, timeToLive, priority]

/** Long enough to be told from the resolution of any broker, short enough for real time. */
function delayOf(maxMs: number): number {
  return Math.min(maxMs, 4_000)
}
