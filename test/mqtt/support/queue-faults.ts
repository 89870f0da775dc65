import { setTimeout as sleep } from 'node:timers/promises'
import { it } from 'vitest'
import { FakeIntake, until } from '../../amqp/support/intake.ts'
import { endpointOf } from '../../amqp/support/link.ts'
import { messages, sendAll } from '../../amqp/support/sending.ts'
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
    const received = [await one.receive(queue, new FakeIntake(), wide), await two.receive(queue, new FakeIntake(), wide)].map(({ intake }) => intake)
    await until('both to have a part', async () => {
      await one.send(
        queue,
        messages(4).map((message) => ({ ...message, body: 'warm' })),
      )
      return received.every(({ deliveries }) => deliveries.length > 0)
    })
    const all = messages(2_000)
    const sending = sendAll(one.sender(queue), all)
    for (let time = 0; time < 3; time++) {
      await sleep(100)
      proxy.reset()
    }
    // Its session is left behind with messages in it.
    await two[Symbol.asyncDispose]()
    await sending
    const seen = (): Set<string> => new Set(received.flatMap(({ bodies }) => bodies).filter((body) => body !== 'warm'))
    await until('everything', () => seen().size === all.length, 20_000)
  })

  it('loses nothing of a queue when the broker is restarted, which makes mosquitto forget that its subscriptions are shared', async () => {
    const queue = endpointOf(freshName())
    await using link = await open(bed.url, { members: 2, rebalanceMs: 200 })
    await link.provision(queue)
    const { intake } = await link.receive(queue, new FakeIntake(), wide)
    const all = messages(1_000)
    const sending = sendAll(link.sender(queue), all)
    for (let time = 0; time < 2; time++) {
      const received = intake.deliveries.length
      await until('load', () => intake.deliveries.length > received + 50)
      await bed.stop()
      await bed.start()
    }
    await sending
    await until('everything', () => new Set(intake.bodies).size === all.length, 20_000)
  })
}
