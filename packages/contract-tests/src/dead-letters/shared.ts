import { deadLetter, type Message } from '@busbar/core'
import type { ContractCase } from '../case.ts'
import { check, checkEqual, checkSameMembers } from '../kit/assert.ts'
import type { Handled, TextPlace } from '../kit/broker-kit.ts'
import type { CaseContext } from '../kit/context.ts'
import { numbered } from '../kit/messages.ts'
import { combine } from '../kit/place.ts'
import { letters, received, redriven, sorted, textOfLetter } from './letters.ts'

const sharedPlace: ContractCase = {
  id: 'dead-letters/shared-place',
  title: 'sources that share a dead-letter place see, discard and redrive their own dead letters only, those moved there by the broker included',
  examines: ['deadLetter', 'redrive'],
  kills: ['ack-touches-neighbour', 'native-dead-letter-unnamed'],
  looksAtDeadLetters: true,
  applies: (capabilities) => received(capabilities) && redriven(capabilities),
  async run(context) {
    const [one, two] = [context.api.place(), context.api.place()]
    const route = context.api.route()
    const broker = context.api.make([one.destination, one.source, two.destination, two.source], { [one.name]: route, [two.name]: route })
    await broker.start()
    const name = typeof route.deadLetter === 'object' ? route.deadLetter.destination : undefined
    check(name !== undefined, 'the place has a name')
    const byBroker = await discardNatively(context, one, name)
    let broken = true
    const handled = { one: [] as Handled[], two: [] as Handled[] }
    const handle = (): unknown => (broken ? deadLetter('broken') : undefined)
    await broker.consume(one.source, context.api.recording(handled.one, handle))
    await broker.consume(two.source, context.api.recording(handled.two, handle))
    const [ofOne, ofTwo] = [numbered('one', 3), numbered('two', 3)]
    for (const body of ofOne) await broker.producer(one.destination).send(body)
    for (const body of ofTwo) await broker.producer(two.destination).send(body)
    const allOfOne = [...ofOne, ...byBroker]
    checkSameMembers((await letters(context, broker, one, allOfOne.length)).map(textOfLetter), allOfOne, 'dead letters of the first')
    checkSameMembers((await letters(context, broker, two, ofTwo.length)).map(textOfLetter), ofTwo, 'dead letters of the second')
    await context.waiting.settled(broker.deadLetters(two.source).discard({ where: (letter) => textOfLetter(letter) === 'two-2' }), 'the discard', 60_000)
    checkSameMembers((await letters(context, broker, two, 2)).map(textOfLetter), ['two-1', 'two-3'], 'dead letters of the second after a discard')
    checkSameMembers((await letters(context, broker, one, allOfOne.length)).map(textOfLetter), allOfOne, 'dead letters of the first after that')
    broken = false
    const before = { one: handled.one.length, two: handled.two.length }
    await context.waiting.settled(broker.deadLetters(one.source).redrive(), 'the redrive', 60_000)
    const again = (): string[] => handled.one.slice(before.one).map(({ text }) => text)
    await context.waiting.eventually(
      () => allOfOne.every((body) => again().includes(body)),
      () => `what is redriven for the first is handled there; only ${again().join()} are`,
      context.againMs(await context.place()),
    )
    checkSameMembers((await letters(context, broker, two, 2)).map(textOfLetter), ['two-1', 'two-3'], 'dead letters of the second after a redrive of the first')
    checkEqual(handled.two.length, before.two, 'messages that the second has handled meanwhile')
  },
}

const foreignHeaders: ContractCase = {
  id: 'dead-letters/foreign-headers',
  title: 'the headers of a plain client are in the dead letter as its handler saw them, byte for byte, and again after a redrive',
  examines: ['deadLetter', 'redrive'],
  kills: ['second-hop-drops-headers', 'second-hop-lower-cases-headers'],
  looksAtDeadLetters: true,
  faults: ['sendForeign'],
  applies: (capabilities) => received(capabilities) && redriven(capabilities),
  async run(context) {
    const place = context.api.place()
    const broker = await context.api.broker(place)
    const seen: Message<string>[] = []
    await broker.consume(place.source, (message) => {
      seen.push(message)
      context.changes.notify()
      return message.attempt === 1 && seen.length === 1 ? deadLetter('not understood') : undefined
    })
    const headers = { tenant: 'acme', 'X-Mixed-Case': '  kept  ', unicode: 'ü🚌', json: '{"a":[1,"2"]}', 'x-long': 'x'.repeat(300) }
    const body = 'from outside: ü🚌'
    await context.fault('sendForeign')(place.name, context.kind, { body, headers })
    const [letter] = await letters(context, broker, place, 1)
    const [first] = seen
    check(letter !== undefined && first !== undefined, 'there is a dead letter of what was handled')
    checkEqual(first.headers['X-Mixed-Case'], headers['X-Mixed-Case'], 'a header as the handler sees it')
    checkEqual([textOfLetter(letter), sorted(letter.headers)], [body, sorted(first.headers)], 'body and headers of the dead letter')
    const before = seen.length
    await context.waiting.settled(broker.deadLetters(place.source).redrive(), 'the redrive', 60_000)
    await context.waiting.eventually(() => seen.length > before, 'the redriven message is handled', context.againMs(await context.place()))
    const last = seen.at(-1)
    checkEqual([last?.body, sorted(last?.headers ?? {})], [body, sorted(first.headers)], 'body and headers after the redrive')
  },
}

export const sharedDeadLetterCases: readonly ContractCase[] = [sharedPlace, foreignHeaders]

/** Lets the broker itself move a message of the source to the place named, where it can. Returns its body. */
async function discardNatively(context: CaseContext, { name }: TextPlace, deadLetterName: string): Promise<readonly string[]> {
  const options = { deadLetterName, maxAttempts: 10 }
  const destination = context.endpoint(name, options)
  const source = context.kind === 'queue' ? destination : context.endpoint(name, options, { name: 'sub-1' })
  const capabilities = combine(await context.inspect(destination), await context.inspect(source))
  if (capabilities.deadLetter !== 'native') return []
  const session = await context.connect()
  const place = { destination, source, capabilities }
  const inbox = await session.receive(place, { react: () => 'discard' })
  await session.send(place, ['by the broker'])
  await context.waiting.eventually(() => inbox.has(['by the broker']), 'the message that is discarded arrives', context.harness.bounds.arrivalMs)
  await session.handBack(inbox)
  return ['by the broker']
}
