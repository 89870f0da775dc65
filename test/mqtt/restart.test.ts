import { mqtt, type MqttNative } from '@busbar/mqtt'
import { afterAll, describe, expect, it } from 'vitest'
import { until } from '../amqp/support/intake.ts'
import { endpointOf, messageOf, never, sendSurely, TestLink } from '../amqp/support/link.ts'
import { skipOrFail, startMosquitto } from '../brokers/index.ts'
import { freshOptions } from './support/beds.ts'

const bed = skipOrFail(await startMosquitto({ own: true }))
afterAll(() => bed?.[Symbol.asyncDispose]())

describe.skipIf(bed === undefined)('mosquitto, which forgets shared subscriptions when it is restarted', { timeout: 30_000 }, () => {
  const url = bed?.url ?? ''
  const restart = async (): Promise<void> => {
    await bed?.stop()
    await bed?.start()
  }
  const open = (protocolVersion: 5 | 4): Promise<TestLink<MqttNative>> =>
    TestLink.over(mqtt({ url, protocolVersion, sharedSubscriptions: true, members: 2, timeoutMs: 2_000, reconnectMaxMs: 300, ...freshOptions() }))

  it('has a queue subscribed again by whoever sends to it, when nobody receives from it', async () => {
    await using link = await open(5)
    const queue = endpointOf('restarted')
    await link.provision(queue)
    const sender = link.sender(queue)
    await sendSurely(sender, [messageOf('before')])
    await restart()
    await sendSurely(sender, [messageOf('after')])
    const { intake } = await link.receive(queue)
    await until('both', () => intake.bodies.includes('before') && intake.bodies.includes('after'))
  })

  it.each([5, 4] as const)('keeps dead letters that come after it, also in MQTT 3.1.1 (protocol version %s)', async (protocolVersion) => {
    await using link = await open(protocolVersion)
    const place = endpointOf(`restarted-${protocolVersion}.dead`, { deadLettersOf: endpointOf(`restarted-${protocolVersion}`) })
    await link.provision(place)
    await restart()
    await sendSurely(link.sender(place), [messageOf('dead')])
    const { deadLettersOf: _, ...asQueue } = { ...place, options: protocolVersion === 4 ? { envelope: true } : {} }
    // A program that reads it as any queue need not know how it was made.
    expect(await link.link.inspect(asQueue, never)).toMatchObject({ kind: 'queue', competingConsumers: false })
    const { intake } = await link.receive(asQueue)
    await until('the dead letter', () => intake.bodies.includes('dead'))
  })

  it('refuses another number of members than a queue was made with, and takes its own without being told', async () => {
    const options = freshOptions()
    await using made = await TestLink.over(mqtt({ url, members: 3, ...options }))
    await made.provision(endpointOf('counted'))
    await using link = await TestLink.over(mqtt({ url, members: 5, ...options }))
    expect(await link.link.topology?.plan([endpointOf('counted')], never)).toEqual([])
    const plan = await link.link.topology?.plan([endpointOf('counted', { options: { members: 4 } })], never)
    expect(plan?.[0]).toMatchObject({ kind: 'conflict' })
    expect(plan?.[0]?.text).toMatch(/made with 3 members, and the route says 4/)
  })
})
