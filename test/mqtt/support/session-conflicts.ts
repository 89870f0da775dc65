import type { Delivery, Endpoint } from '@busbar/core/driver'
import type { MqttNative } from '@busbar/mqtt'
import type { IClientOptions, MqttClient } from 'mqtt'
import { expect, it } from 'vitest'
import { FakeIntake, until } from '../../amqp/support/intake.ts'
import { messageOf, never, type TestLink } from '../../amqp/support/link.ts'
import { messages } from '../../amqp/support/sending.ts'
import { connectOnce } from '../../brokers/mqtt/greet.ts'
import { accessTo, freshTopic, wide } from './access.ts'
import { freshOptions, type Spoken } from './beds.ts'

/** Several clients want the same session. */
export function sessionConflicts(spoken: Spoken): void {
  const { bed, protocolVersion } = spoken
  const { open, proxied } = accessTo(spoken)

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

  it('goes on in another process while the one before hangs, which does not take the session back when it wakes', async () => {
    await using proxy = await proxied()
    const same = freshOptions()
    await using hanging = await open(proxy.through(bed.url), same)
    const { topic, subscription } = freshTopic()
    await hanging.provision(topic, subscription)
    const one = await hanging.receive(subscription, new FakeIntake(() => 'hold'), wide)
    await hanging.send(topic, messages(5))
    await until('all', () => one.intake.deliveries.length === 5)
    proxy.freeze('both')
    await using fresh = await open(bed.url, same)
    const two = await fresh.receive(subscription, new FakeIntake(), wide)
    await until('all in the other', () => two.intake.settled.length === 5)
    proxy.thaw()
    await until('the conflict', () => one.intake.failures.some(({ fatal }) => fatal))
    expect(one.intake.failures.find(({ fatal }) => fatal)?.error).toMatchObject({ code: 'ERR_CONFLICT' })
    for (const delivery of one.intake.deliveries) expect(await one.intake.settle(delivery)).toBe('too-late')
    await fresh.send(topic, [messageOf('later')])
    await until('the later one', () => two.intake.bodies.includes('later'))
    expect({ bodies: two.intake.bodies, lost: two.intake.lostScopes }).toEqual({ bodies: ['0', '1', '2', '3', '4', 'later'], lost: [] })
  })

  it('takes its session back from a plain client that has the same client id and does not come again', async () => {
    await using link = await open()
    const { topic, subscription } = freshTopic()
    const clientId = await clientIdOf(link, subscription)
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription, new FakeIntake(() => 'hold'), wide)
    await link.send(topic, messages(5))
    await until('all', () => intake.deliveries.length === 5)
    const intruder = await connectOnce(bed.url, intruding(clientId, protocolVersion), hold)
    await until('the loss', () => intake.lostScopes.length === 1)
    intruder.end(true)
    await until('all once more', () => intake.deliveries.length >= 10)
    expect(intake.bodies.slice(-5)).toEqual(['0', '1', '2', '3', '4'])
    expect(intake.failures.filter(({ fatal }) => fatal)).toEqual([])
    await until('health', () => link.link.health().state === 'connected')
  })

  it('says that somebody else wants its session, when a plain client with the same client id comes again and again', async () => {
    await using link = await open()
    const { topic, subscription } = freshTopic()
    const clientId = await clientIdOf(link, subscription)
    await link.provision(topic, subscription)
    const { intake } = await link.receive(subscription, new FakeIntake(() => 'hold'), wide)
    const intruder = await connectOnce(bed.url, { ...intruding(clientId, protocolVersion), reconnectPeriod: 50 }, hold)
    await until('the report', () => intake.failures.some(({ error }) => error.code === 'ERR_CONFLICT'), 15_000)
    intruder.end(true)
  })
}

/** The client id of a session that is not there yet. */
async function clientIdOf({ link }: TestLink<MqttNative>, subscription: Endpoint): Promise<string> {
  const [change] = (await link.topology?.plan([subscription], never)) ?? []
  const [, clientId] = /^session (.+)$/.exec(change?.resource ?? '') ?? []
  if (clientId === undefined) throw new Error(`no session is planned: ${JSON.stringify(change)}`)
  return clientId
}

function intruding(clientId: string, protocolVersion: 5 | 4): IClientOptions {
  return { clientId, protocolVersion, clean: false, ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 600 } }) }
}

/** Takes messages and acks none. */
function hold(client: MqttClient): void {
  client.handleMessage = (_packet, done) => done(new Error('held'))
}
