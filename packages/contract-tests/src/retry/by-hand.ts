import { deadLetter, retryLater, type Broker } from '@busbar/core'
import type { ContractCase } from '../case.ts'
import { check, checkEqual, checkOrder, checkSameMembers, show } from '../kit/assert.ts'
import { keyOf, type Handled, type TextPlace } from '../kit/broker-kit.ts'
import { ordered } from '../kit/capabilities.ts'
import type { CaseContext } from '../kit/context.ts'
import { kept } from '../dead-letters/letters.ts'
import { quickRetry } from './quick-retry.ts'

const exhausts: ContractCase = {
  id: 'retry/by-hand-exhausts',
  title: 'retries that the handler asks for use up the attempts of the policy like failures, and then the message is a dead letter',
  examines: ['deadLetter'],
  kills: ['second-hop-swallowed'],
  looksAtDeadLetters: true,
  applies: kept,
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const handled: Handled[] = []
    const work = context.api.recording(handled, async (message) => {
      if (message.body === 'returns it') return retryLater(50)
      if (message.body === 'settles it') await message.nack({ delayMs: 50 })
      return undefined
    })
    await broker.consume(place.source, work, { use: [quickRetry(3)] })
    for (const body of ['returns it', 'settles it', 'good']) await broker.producer(place.destination).send(body)
    await deadLettersAre(context, broker, place, ['returns it', 'settles it'])
    for (const body of ['returns it', 'settles it']) {
      const attempts = [...new Set(handled.filter(({ text }) => text === body).map(({ message }) => message.attempt))]
      checkEqual(attempts, [1, 2, 3], `attempts of the message that ${body}`)
    }
  },
}

const blocksOnlyExhausted: ContractCase = {
  id: 'retry/given-up-is-not-blocked',
  title: "with onExhausted 'block', a message that is given up goes to the dead letters, and its key goes on: only used-up attempts block",
  examines: ['deadLetter', 'ordering'],
  kills: ['second-hop-swallowed'],
  keyed: true,
  looksAtDeadLetters: true,
  applies: (capabilities) => ordered(capabilities) && kept(capabilities),
  async run(context) {
    const place = context.api.place()
    // The broker must not give up by itself what is tried until it succeeds.
    const broker = await context.api.broker(place, { route: { nativeLimit: false } })
    const handled: Handled[] = []
    const work = context.api.recording(handled, async (message) => {
      if (message.body === 'a:1') return deadLetter('no such customer')
      if (message.body === 'b:1') await message.deadLetter({ reason: 'no such customer' })
      return undefined
    })
    await broker.consume(place.source, work, { use: [quickRetry(2)], onExhausted: 'block' })
    for (const body of ['a:1', 'a:2', 'b:1', 'b:2']) await broker.producer(place.destination).send(body)
    await deadLettersAre(context, broker, place, ['a:1', 'b:1'])
    await context.waiting.eventually(
      () => ['a:2', 'b:2'].every((body) => handled.some(({ text }) => text === body)),
      () => `the keys go on; starts are ${show(handled.map(({ text }) => text))}`,
      context.againMs(await context.place()),
    )
    checkEqual(await broker.blockedKeys(place.source).list(), [], 'blocked keys')
    for (const key of ['a', 'b']) {
      const starts = [...new Set(handled.map(({ text }) => text))].filter((body) => keyOf(body) === key)
      checkOrder(starts, [`${key}:1`, `${key}:2`], `order of key ${key}`)
    }
  },
}

export const byHandCases: readonly ContractCase[] = [exhausts, blocksOnlyExhausted]

/** By consuming them, which every driver can. */
async function deadLettersAre(context: CaseContext, broker: Broker, place: TextPlace, expected: readonly string[]): Promise<void> {
  const found: Handled[] = []
  await broker.consume(broker.deadLetters(place.source).queue, context.api.recording(found))
  const bodies = (): string[] => [...new Set(found.map(({ text }) => text))]
  await context.waiting.eventually(
    () => expected.every((body) => bodies().includes(body)),
    () => `${show(expected)} are dead letters; found ${show(bodies())}`,
    context.againMs(await context.place()) + 5_000,
  )
  checkSameMembers(bodies(), expected, 'dead letters')
  check(
    found.every(({ message }) => message.headers['busbar-dead'] !== undefined),
    'each says why',
  )
}
