import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery, Endpoint, Outgoing, Sender } from '@busbar/core/driver'
import { mqtt, type MqttNative, type MqttOptions } from '@busbar/mqtt'
import { expect, it } from 'vitest'
import { FakeIntake, until } from '../../amqp/support/intake.ts'
import { endpointOf, messageOf, never, sendSurely, TestLink } from '../../amqp/support/link.ts'
import { startProxy } from '../../brokers/index.ts'
import { freshOptions, type Spoken } from './beds.ts'

function messages(count: number): Outgoing[] {
  return Array.from({ length: count }, (_, index) => messageOf(String(index)))
}

/** Sends in calls of 50, several at a time, and repeats what is not confirmed. */
async function sendAll(sender: Sender, all: readonly Outgoing[]): Promise<void> {
  for (let from = 0; from < all.length; from += 200) {
    await Promise.all([0, 50, 100, 150].map((offset) => sendSurely(sender, all.slice(from + offset, from + offset + 50))))
    await sleep(20)
  }
}

let topics = 0

/** A topic that nobody else has, and a subscription of it. */
function freshTopic(): { readonly topic: Endpoint; readonly subscription: Endpoint } {
  const topic = endpointOf(`faults/${process.pid}/${topics++}`, { kind: 'topic' })
  return { topic, subscription: { ...topic, subscription: { name: 's' } } }
}

const wide = { messages: 100, bytes: 2 ** 26 }

/** Cases of a broker: it is stopped or killed in some of them. */
export function faultCases({ bed, protocolVersion, durable }: Spoken): void {
  const open = (url: string | readonly string[] = bed.url, more: Partial<MqttOptions> = {}): Promise<TestLink<MqttNative>> =>
    TestLink.over(mqtt({ url, protocolVersion, keepaliveMs: 1_000, reconnectMaxMs: 500, timeoutMs: 2_000, ...freshOptions(), ...more }))
  const proxied = () => startProxy(Number(new URL(bed.url).port))

  it('loses nothing when connections are cut, reset or cut inside a packet while it sends and receives', async () => {
    await using proxy = await proxied()
    await using link = await open(proxy.through(bed.url))
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription, new FakeIntake(), wide)
    const all = messages(2_000)
    const sending = sendAll(link.sender(topic), all)
    for (const fault of ['cut', 'reset', 'bytes', 'cut', 'bytes', 'reset'] as const) {
      // A fault that comes before the last one is mended finds nothing to break.
      const received = intake.deliveries.length
      await until('messages after the last fault', () => new Set(intake.bodies).size === all.length || intake.deliveries.length > received)
      await sleep(50)
      if (fault === 'bytes') await Promise.race([proxy.cutAfterBytes(5_000), sleep(500)])
      else proxy[fault]()
    }
    await sending
    await until('everything', () => new Set(intake.bodies).size === all.length, 20_000)
    expect(intake.lostScopes.length).toBeGreaterThan(1)
    expect(intake.failures.filter(({ fatal }) => fatal)).toEqual([])
  })

  it(`loses nothing that was confirmed when the broker is ${durable ? 'killed' : 'stopped cleanly'} and started`, async () => {
    await using link = await open()
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription, new FakeIntake(), wide)
    const all = messages(2_000)
    const sending = sendAll(link.sender(topic), all)
    for (let time = 0; time < 2; time++) {
      const received = intake.deliveries.length
      await until('load', () => intake.deliveries.length > received + 100)
      await (durable ? bed.kill() : bed.stop())
      await bed.start()
    }
    await sending
    await until('everything', () => new Set(intake.bodies).size === all.length, 20_000)
    expect(intake.lostScopes.length).toBeGreaterThanOrEqual(2)
    await until('the connection', () => link.link.health().state === 'connected')
  })

  it('notices a half-open link by keepalive, and goes on', async () => {
    await using proxy = await proxied()
    await using link = await open(proxy.through(bed.url))
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription)
    const sender = link.sender(topic)
    await sendSurely(sender, [messageOf('before')])
    proxy.freeze('both')
    const [stuck] = await sender.send([messageOf('stuck')], never)
    expect(stuck).toMatchObject({ ok: false, stored: 'unknown', error: { code: 'ERR_UNCONFIRMED', retryable: true } })
    await until('the end of the connection', () => !sender.writable)
    expect(await sender.send([messageOf('while down')], never)).toMatchObject([{ ok: false, stored: 'no', error: { retryable: true } }])
    const writable = new Promise<void>((resolve) => (sender.onWritable = resolve))
    proxy.thaw()
    await writable
    await sendSurely(sender, [messageOf('after')])
    await until('the last', () => intake.bodies.includes('after'))
  })

  it('closes in bounded time on a frozen link', async () => {
    const proxy = await proxied()
    const link = await open(proxy.through(bed.url), { timeoutMs: 500 })
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    await link.receive(subscription)
    proxy.freeze('both')
    const began = performance.now()
    await link[Symbol.asyncDispose]()
    expect(performance.now() - began).toBeLessThan(3_000)
    await proxy.close()
  })

  it('fails over to the next address', async () => {
    await using first = await proxied()
    await using second = await proxied()
    await using link = await open([first.through(bed.url), second.through(bed.url)])
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription)
    expect(second.accepted).toBe(0)
    first.refuse(true)
    first.cut()
    await until('the second address', () => second.connections >= 1 && link.link.health().state === 'connected')
    await sendSurely(link.sender(topic), [messageOf('over')])
    await until('the message', () => intake.bodies.includes('over'))
  })

  it('settles no other message by acks that come too late', async () => {
    await using proxy = await proxied()
    const same = freshOptions()
    await using link = await open(proxy.through(bed.url), same)
    const { topic, subscription } = freshTopic()
    await link.provision(topic, subscription)
    const holding = new FakeIntake(() => 'hold')
    const { intake } = await link.receive(subscription, holding, wide)
    await link.send(topic, messages(8))
    await until('all', () => intake.deliveries.length === 8)
    const held = [...intake.deliveries]
    for (const delivery of held.slice(0, 3)) expect(await intake.settle(delivery)).toBe('accepted')
    // The acks have gone out by now, in front of what this asks for.
    await link.send(topic, [messageOf('8')])
    await until('the ninth', () => intake.deliveries.length === 9)
    proxy.cut()
    await until('the redelivery', () => intake.deliveries.length === 15)
    expect(intake.bodies.slice(9)).toEqual(['3', '4', '5', '6', '7', '8'])
    // Their packet identifiers are in use again, by some brokers for other messages.
    for (const delivery of held) expect(await intake.settle(delivery)).toBe('too-late')
    proxy.cut()
    await until('the second redelivery', () => intake.deliveries.length === 21)
    expect(intake.bodies.slice(15)).toEqual(['3', '4', '5', '6', '7', '8'])
  })

  it('loses nothing to another process that has the same client id, and says who has taken it', async () => {
    const same = freshOptions()
    await using first = await open(bed.url, same)
    const { topic, subscription } = freshTopic()
    await first.provision(topic, subscription)
    const one = await first.receive(subscription, new FakeIntake(() => 'hold'), wide)
    await first.send(topic, messages(5))
    await until('all', () => one.intake.deliveries.length === 5)
    const [oldest] = one.intake.deliveries as [Delivery]
    expect(await one.intake.settle(oldest)).toBe('accepted')
    await using second = await open(bed.url, same)
    const two = await second.receive(subscription, new FakeIntake(() => 'hold'), wide)
    await until('the loss', () => one.intake.lostScopes.length === 1 && one.intake.failures.some(({ fatal }) => fatal))
    expect(one.intake.failures.find(({ fatal }) => fatal)?.error).toMatchObject({ code: 'ERR_CONFLICT' })
    await until('what was not acked', () => two.intake.deliveries.length >= 4)
    expect(two.intake.bodies.slice(-4)).toEqual(['1', '2', '3', '4'])
    for (const delivery of one.intake.deliveries.slice(1)) expect(await one.intake.settle(delivery)).toBe('too-late')
    for (const delivery of two.intake.deliveries.slice(-4)) expect(await two.intake.settle(delivery)).toBe('accepted')
  })

  // In MQTT 3.1.1 nobody tells what mosquitto drops while its subscriptions are not shared.
  if (protocolVersion === 4) return

  it('loses nothing of a queue whose members are cut, and end', async () => {
    await using proxy = await proxied()
    const same = { ...freshOptions(), members: 2, rebalanceMs: 200, handOverMs: 1_000 }
    const queue = endpointOf(`faults/${process.pid}/shared-${topics++}`)
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
    const queue = endpointOf(`faults/${process.pid}/restarted-${topics++}`)
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
