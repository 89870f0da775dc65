import { isBrokerError } from '@busbar/core'
import type { Capabilities } from '@busbar/core/driver'
import type { ContractCase } from '../case.ts'
import { check } from '../kit/assert.ts'
import type { CaseContext } from '../kit/context.ts'
import type { Place } from '../kit/place.ts'
import { describe } from '../kit/refusal.ts'

/** More than the limit that was left allows: ten for the one attempt. */
const severalDeliveries = 12
/** More than any other allows that may have taken its place: a hundred for the attempts of a route that says nothing, twenty on RabbitMQ. */
const manyDeliveries = 120
/** A broker that needs so long for the many has shown enough with the former. */
const longEnoughMs = 30_000

const countsDeliveries = ({ deliveryAttempt, redelivery, settlement }: Capabilities): boolean =>
  settlement !== false && deliveryAttempt !== 'none' && redelivery.immediate

export const leftOverLimit: ContractCase = {
  id: 'retry/left-over-limit',
  title:
    'for messages that may be tried until they succeed, a native limit that was left at the broker is refused by its name; where there is none, they stay however often they fail',
  examines: ['deliveryAttempt'],
  kills: ['left-over-limit-kept'],
  applies: countsDeliveries,
  async run(context) {
    const place = context.api.place()
    await (await context.api.broker(place, { route: { maxAttempts: 1 } })).close()
    const route = context.api.route({ nativeLimit: false })
    const broker = context.api.make([place.destination, place.source], { [place.name]: route })
    const refusal = await broker.start().then(
      () => undefined,
      (error: unknown) => error,
    )
    if (refusal === undefined) return staysWhatFails(context, await placeAt(context, place.name))
    check(
      isBrokerError(refusal) && !refusal.retryable && refusal.message.includes('nativeLimit: false'),
      () => `it is refused by its name: ${describe(refusal)}`,
    )
  },
}

async function placeAt(context: CaseContext, name: string): Promise<Place> {
  const destination = context.endpoint(name)
  const source = context.kind === 'queue' ? destination : context.endpoint(name, {}, { name: 'sub-1' })
  return { destination, source, capabilities: await context.inspect(source) }
}

async function staysWhatFails(context: CaseContext, place: Place): Promise<void> {
  const session = await context.connect()
  await session.send(place, ['poison'])
  const inbox = await session.receive(place, { react: () => ({ retryMs: 0 }) })
  const count = (): number => inbox.arrivals.length
  const endAt = context.now + longEnoughMs
  await context.waiting.eventually(
    () => count() > manyDeliveries || (count() > severalDeliveries && context.now >= endAt),
    () => `it comes again however often it fails; it came ${count()} times`,
    longEnoughMs + 15_000 + context.harness.bounds.arrivalMs,
  )
  inbox.react = () => 'ack'
}
