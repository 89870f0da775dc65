import { expect, it } from 'vitest'
import { FakeIntake, until } from '../../amqp/support/intake.ts'
import { endpointOf, events } from '../../amqp/support/link.ts'
import { messages, sendWhile } from '../../amqp/support/sending.ts'
import { accessTo, freshName, wide } from './access.ts'
import { freshOptions, type Spoken } from './beds.ts'

/** Of queues that are shared by several sessions. */
export function queueFaults(spoken: Spoken): void {
  const { bed } = spoken
  const { open, proxied } = accessTo(spoken)

  it('loses nothing of a queue whose members are cut, and end', async () => {
    await using proxy = await proxied()
    const same = { ...freshOptions(), members: 2, rebalanceMs: 200, handOverMs: 1_000 }
    const queue = endpointOf(freshName())
    await using one = await open(proxy.through(bed.url), same)
    await one.provision(queue)
    const two = await open(bed.url, same)
    const { intake: cut } = await one.receive(queue, new FakeIntake(), wide)
    const { intake: ended } = await two.receive(queue, new FakeIntake(), wide)
    await until('both to have a part', async () => {
      await one.send(
        queue,
        messages(4).map((message) => ({ ...message, body: 'warm' })),
      )
      return cut.deliveries.length > 0 && ended.deliveries.length > 0
    })
    let striking = true
    const sending = sendWhile(one.sender(queue), () => striking)
    const more = async (): Promise<void> => {
      const received = cut.deliveries.length
      await until('load', () => cut.deliveries.length > received + 50)
    }
    for (let time = 1; time <= 3; time++) {
      await more()
      proxy.reset()
      await until('the loss', () => cut.lostScopes.length >= time)
    }
    await more()
    // Its session is left behind with messages in it.
    await two[Symbol.asyncDispose]()
    await more()
    striking = false
    const count = await sending
    const seen = (): Set<string> => new Set([...cut.bodies, ...ended.bodies].filter((body) => body !== 'warm'))
    await until('everything', () => seen().size === count, 20_000)
  })

  it('goes on within seconds with the share of a member that has died, which the broker tells by its will, and says so', async () => {
    await using proxy = await proxied()
    const same = { ...freshOptions(), members: 2, rebalanceMs: 200, handOverMs: 1_000 }
    const queue = endpointOf(freshName())
    await using left = await open(bed.url, same)
    await left.provision(queue)
    const { intake: rest } = await left.receive(queue, new FakeIntake(), wide)
    const dying = await open(proxy.through(bed.url), same)
    const { intake: dead } = await dying.receive(queue, new FakeIntake(() => 'hold'), wide)
    await until('a share of the one who will die', async () => {
      await left.send(queue, messages(4))
      return dead.deliveries.length > 0
    })
    const told = events.length
    proxy.refuse(true)
    proxy.reset()
    const stranded = dead.deliveries.length
    const before = rest.deliveries.length
    await until('its share', () => events.slice(told).some((event) => event.includes('session:taken')) && rest.deliveries.length >= before + stranded, 10_000)
    await dying[Symbol.asyncDispose]()
  })

  it('loses nothing of a queue when the broker is restarted, which makes mosquitto forget that its subscriptions are shared', async () => {
    const queue = endpointOf(freshName())
    await using link = await open(bed.url, { members: 2, rebalanceMs: 200 })
    await link.provision(queue)
    const { intake } = await link.receive(queue, new FakeIntake(), wide)
    let striking = true
    const sending = sendWhile(link.sender(queue), () => striking)
    for (let time = 0; time < 2; time++) {
      const received = intake.deliveries.length
      await until('load', () => intake.deliveries.length > received + 50)
      await bed.stop()
      await bed.start()
    }
    striking = false
    const count = await sending
    await until('everything', () => new Set(intake.bodies).size === count, 20_000)
    expect(intake.lostScopes.length).toBeGreaterThanOrEqual(2)
  })
}
