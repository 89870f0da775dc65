import type { ContractCase } from '../case.ts'
import { checkOrder, show } from '../kit/assert.ts'
import { keyOf } from '../kit/broker-kit.ts'
import { ordered } from '../kit/capabilities.ts'
import { interleaved } from '../ordering/keys.ts'

const resharded: ContractCase = {
  id: 'streams/resharded',
  title:
    'while partitions are split and joined, before and during reading, two receivers get everything, and of each key what was sent before the change first',
  examines: ['ordering'],
  kills: ['reshard-unnoticed', 'children-before-parents'],
  kinds: ['stream'],
  keyed: true,
  applies: ordered,
  faults: ['reshard'],
  async run(context) {
    const place = await context.place()
    const [one, two] = [await context.connect(), await context.connect()]
    const reshard = context.fault('reshard')
    const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
    const messages = interleaved(keys, 9)
    const part = messages.length / 3

    await one.send(place, messages.slice(0, part))
    await reshard(place.destination.name)
    // This sender has seen the partitions that are closed now.
    await one.send(place, messages.slice(part, part * 2))

    const began: string[] = []
    const react = ({ text }: { readonly text: string }): 'ack' => {
      began.push(text)
      return 'ack'
    }
    const inboxes = [await one.receive(place, { react }), await two.receive(place, { react })]
    await context.waiting.eventually(() => began.length > 0, 'messages arrive', context.harness.bounds.arrivalMs)
    await reshard(place.destination.name)
    await two.send(place, messages.slice(part * 2))

    const bodies = messages.map(({ body }) => body)
    await context.waiting.eventually(
      () => bodies.every((body) => began.includes(body)),
      () =>
        `everything arrives; missing ${show(bodies.filter((body) => !began.includes(body)))}, failures ${show(inboxes.flatMap(({ failures }) => failures))}`,
      // One generation of partitions after the other.
      context.againMs(place) * 3,
    )
    for (const key of keys) {
      const ofKey = (body: string): boolean => keyOf(body) === key
      checkOrder(began.filter(ofKey), bodies.filter(ofKey), `order of key ${key} over both receivers`)
    }
  },
}

export const reshardingCases: readonly ContractCase[] = [resharded]
