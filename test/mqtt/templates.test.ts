import { setTimeout as sleep } from 'node:timers/promises'
import { createBroker, text, topic, type Message } from '@busbar/core'
import { mqtt, type MqttRouteOptions } from '@busbar/mqtt'
import { connectAsync, type MqttClient } from 'mqtt'
import { afterAll, describe, expect, it } from 'vitest'
import { until } from '../amqp/support/intake.ts'
import { skipOrFail, startActivemq, startMosquitto } from '../brokers/index.ts'
import { freshOptions } from './support/beds.ts'

const [mosquitto, activemq] = await Promise.all([startMosquitto().then(skipOrFail), startActivemq().then(skipOrFail)])
afterAll(async () => {
  for (const bed of [mosquitto, activemq]) await bed?.[Symbol.asyncDispose]()
})

let topics = 0

describe.skipIf(mosquitto === undefined).each([5, 4] as const)('address templates and plain clients of mosquitto, MQTT %i', (protocolVersion) => {
  check(mosquitto?.url ?? '', protocolVersion)
})

describe.skipIf(activemq === undefined)('address templates and plain clients of ActiveMQ', () => {
  check(activemq?.url ?? '', 4)
})

function check(url: string, protocolVersion: 5 | 4): void {
  const trucks = () => {
    const name = `trucks-${process.pid}-${topics++}/{truckId}/position` as 'trucks/{truckId}/position'
    return topic<string, typeof name>(name, { codec: text })
  }

  const open = async (destination: ReturnType<typeof trucks>, options: MqttRouteOptions = {}) => {
    const all = destination.subscription('all')
    const routes = { [destination.name]: { options: { ...(protocolVersion === 4 ? { envelope: true } : {}), ...options } } }
    const driver = mqtt({ url, protocolVersion, ...freshOptions() })
    const broker = createBroker({ driver, destinations: [destination, all], routes, provision: 'create', log: () => undefined })
    await broker.start()
    return { broker, all, base: destination.name.split('/', 1)[0] ?? '' }
  }

  const plain = async (): Promise<MqttClient & AsyncDisposable> => {
    const client = await connectAsync(url, { protocolVersion })
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.endAsync() })
  }

  it('are plain topics: filled for whoever subscribes, and taken apart as they came from whoever publishes', async () => {
    const destination = trucks()
    const { broker, all, base } = await open(destination)
    await using client = await plain()
    const sentTo: string[] = []
    client.on('message', (name) => sentTo.push(name))
    await client.subscribeAsync(`${base}/#`, { qos: 1 })
    const values: string[] = []
    await broker.consume(all, ({ parameters }) => void values.push(parameters.truckId))
    await broker.producer(destination).send('x', { parameters: { truckId: '4.2 ä*>' } })
    // Neither could be sent from here: there is a level with nothing in it.
    for (const name of [`${base}//position`, `${base}/a/b/position`, `${base}/x/positions`]) await client.publishAsync(name, 'plain', { qos: 1 })
    await until('the one and the other', () => values.length >= 2 && sentTo.length >= 4)
    await sleep(200)
    expect([...new Set(values)].toSorted()).toEqual(['', '4.2 ä*>'])
    expect(sentTo).toContain(`${base}/4.2 ä*>/position`)
    await broker.close()
  })

  it('have a last message for each address where they are retained', async () => {
    const destination = trucks()
    const { broker, base } = await open(destination, { retain: true })
    const producer = broker.producer(destination)
    for (const body of ['old', 'new']) for (const truckId of ['1', '2']) await producer.send(body, { parameters: { truckId } })
    await broker.drain()
    await using client = await plain()
    const kept: string[] = []
    client.on('message', (name, _, { retain }) => kept.push(`${name} ${retain}`))
    await client.subscribeAsync(`${base}/#`, { qos: 1 })
    await until('one for each', () => kept.length >= 2)
    expect(kept.toSorted()).toEqual([`${base}/1/position true`, `${base}/2/position true`])
    // A new subscription of ours gets them with their parameters.
    const later = await open(destination, { retain: true })
    const seen: Message<string>[] = []
    await later.broker.consume(later.all, (message) => void seen.push(message))
    // Not it alone: ActiveMQ gives a new subscription also what it still keeps for others.
    const last = () => new Set(seen.filter(({ body }) => body === 'new').map(({ parameters }) => parameters?.['truckId']))
    await until('the last one of each', () => last().size === 2)
    for (const truckId of ['1', '2']) await client.publishAsync(`${base}/${truckId}/position`, '', { qos: 1, retain: true })
    await later.broker.close()
  })

  it('get redriven dead letters at the addresses that they came from', async () => {
    const destination = trucks()
    const { broker, all, base } = await open(destination)
    await using client = await plain()
    const consumer = await broker.consume(all, (message) => message.deadLetter({ reason: 'broken' }))
    await broker.producer(destination).send('x', { parameters: { truckId: '42' } })
    await until('it is given up', () => consumer.stats.held === 0)
    await sleep(200)
    await consumer.drain()
    const sentTo: string[] = []
    client.on('message', (name) => sentTo.push(name))
    await client.subscribeAsync(`${base}/#`, { qos: 1 })
    await broker.deadLetters(all).redrive({ to: destination })
    await until('it is sent again', () => sentTo.length > 0)
    expect(sentTo).toEqual([`${base}/42/position`])
    await broker.close()
  })
}
