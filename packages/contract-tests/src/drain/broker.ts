import type { ContractCase } from '../case.ts'
import { check, checkSameMembers, show } from '../kit/assert.ts'
import type { Handled } from '../kit/broker-kit.ts'
import { numbered } from '../kit/messages.ts'

const drain: ContractCase = {
  id: 'drain/finishes-what-runs',
  title: 'draining lets running handlers end and acks them; the rest comes to the next consumer and nothing is lost',
  examines: ['settlement'],
  kills: ['hand-back-acks'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = context.api.place()
    const first = await context.api.broker(place)
    const bodies = numbered('m', 20)
    await first.producer(place.destination).sendBatch(bodies)
    const started: Handled[] = []
    const finished: string[] = []
    let release = (): void => {}
    const gate = new Promise<void>((resolve) => (release = resolve))
    await first.consume(
      place.source,
      context.api.recording(started, async (message) => {
        await gate
        finished.push(message.body)
      }),
      { concurrency: 3, maxInFlight: 9 },
    )
    await context.waiting.eventually(() => started.length >= 1, 'handlers run', context.harness.bounds.arrivalMs)
    const drained = first.drain({ timeoutMs: 20_000 })
    const before = started.length
    release()
    await context.waiting.settled(drained, 'the drain', 25_000)
    check(started.length <= before, 'no handler starts after the drain has begun')
    checkSameMembers(
      finished,
      started.map(({ text }) => text),
      'started handlers have finished',
    )
    const rest: Handled[] = []
    const second = await context.api.broker(place)
    await second.consume(place.source, context.api.recording(rest))
    const all = (): string[] => [...finished, ...rest.map(({ text }) => text)]
    await context.waiting.eventually(
      () => bodies.every((body) => all().includes(body)),
      () => `every message is handled by one of the two; missing ${show(bodies.filter((body) => !all().includes(body)))}`,
      context.againMs(await context.place()),
    )
  },
}

const attemptsUnused: ContractCase = {
  id: 'drain/uses-no-attempt',
  title: 'messages handed back unstarted by a drain start with attempt 1 at the next consumer',
  examines: ['releaseCounts'],
  kills: ['attempt-raised-by-hand-back'],
  applies: ({ settlement }) => settlement !== false,
  async run(context) {
    const place = context.api.place()
    const bodies = numbered('m', 6)
    let broker = await context.api.broker(place)
    await broker.producer(place.destination).sendBatch(bodies)
    for (let time = 0; time < 4; time++) {
      const started: Handled[] = []
      const gate = new AbortController()
      await broker.consume(
        place.source,
        context.api.recording(started, (message) =>
          message.body === 'm-1' || gate.signal.aborted ? undefined : new Promise<void>((resolve) => gate.signal.addEventListener('abort', () => resolve())),
        ),
        { concurrency: 1, maxInFlight: 6 },
      )
      await context.waiting.eventually(() => started.length > 0, 'a handler runs', context.againMs(await context.place()))
      for (const { message } of started) check(message.attempt === 1, () => `${message.body} starts with attempt 1, not ${message.attempt}`)
      const drained = broker.drain({ timeoutMs: 5_000 })
      gate.abort()
      await context.waiting.settled(drained, 'the drain', 10_000)
      broker = await context.api.broker(place)
    }
  },
}

export const drainCases: readonly ContractCase[] = [drain, attemptsUnused]
