import { createBroker, queue, text, topic, type AnyDefinition, type Broker, type Message, type Subscription, type Topic } from '@busbar/core'
import { mqtt, type MqttRouteOptions } from '@busbar/mqtt'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { until } from '../amqp/support/intake.ts'
import { findMosquittoClients, skipOrFail, startMosquitto } from '../brokers/index.ts'
import type { MosquittoBed, MosquittoClients } from '../brokers/index.ts'
import { freshOptions } from './support/beds.ts'

const [bed, clients] = await Promise.all([startMosquitto().then(skipOrFail), findMosquittoClients().then(skipOrFail)])
afterAll(() => bed?.[Symbol.asyncDispose]())

describe.skipIf(bed === undefined || clients === undefined)('with mosquitto_pub, mosquitto_sub and mosquitto_rr', () => {
  check(bed as MosquittoBed, clients as MosquittoClients)
})

function check({ url }: MosquittoBed, { pub, sub, rr }: MosquittoClients): void {
  const { port } = new URL(url)
  const to = (version: 5 | 4): readonly string[] => ['-p', port, '-V', version === 5 ? '5' : '311', '-q', '1']
  let sessions = 0

  const brokerFor = async (version: 5 | 4, destinations: readonly AnyDefinition[], options: MqttRouteOptions = {}): Promise<Broker> => {
    const routes = Object.fromEntries(destinations.filter(({ kind }) => kind !== 'subscription').map(({ name }) => [name, { options: { ...options } }]))
    const driver = mqtt({ url, protocolVersion: version, ...freshOptions() })
    const broker = createBroker({ driver, destinations, routes, provision: 'create', log: () => undefined })
    await broker.start()
    return broker
  }

  /** What a plain subscriber prints that was away while something was sent. */
  const printed = async (version: 5 | 4, filter: string, format: string, send: () => Promise<unknown>, count = 1): Promise<string[]> => {
    const session = ['-c', '-i', `plain-${process.pid}-${sessions++}`, ...(version === 5 ? ['-x', '60'] : []), '-t', filter]
    expect(await sub(...to(version), ...session, '-E')).toMatchObject({ ok: true })
    await send()
    const { ok, stdout, problem } = await sub(...to(version), ...session, '-C', String(count), '-W', '5', '-F', format)
    expect({ ok, problem }).toEqual({ ok: true, problem: '' })
    return stdout.trimEnd().split('\n')
  }

  /** The messages that a subscription gets. */
  const received = async (broker: Broker, from: Subscription<string>, send: () => Promise<unknown>): Promise<Message<string>[]> => {
    const messages: Message<string>[] = []
    await broker.consume(from, (message) => void messages.push(message))
    await send()
    await until('a message', () => messages.length > 0)
    return messages
  }

  const fresh = (): Topic<string> => topic(`interop-${process.pid}-${sessions++}`, { codec: text })
  const ok = (result: { readonly ok: boolean; readonly problem: string }): void => expect(result).toMatchObject({ ok: true })

  it('sends what a plain client of MQTT 5 reads: body, content type and headers', async () => {
    const news = fresh()
    await using broker = await brokerFor(5, [news])
    const lines = await printed(5, news.name, '%p|%C|%P', () => broker.producer(news).send('grüße', { headers: { tenant: 'acme' } }))
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^grüße\|text\/plain[^|]*\|.*tenant:acme/)
  })

  it('reads what a plain client of MQTT 5 sends: body, content type and headers', async () => {
    const news = fresh()
    const readers = news.subscription('readers')
    await using broker = await brokerFor(5, [news, readers])
    const properties = ['-D', 'publish', 'content-type', 'text/plain', '-D', 'publish', 'user-property', 'tenant', 'acme']
    const [message] = await received(broker, readers, async () => ok(await pub(...to(5), '-t', news.name, '-m', 'grüße', ...properties)))
    expect(message).toMatchObject({ body: 'grüße', contentType: 'text/plain', headers: { tenant: 'acme' }, attempt: 1 })
  })

  it('marks what the broker had retained before', async () => {
    const news = fresh()
    const readers = news.subscription('readers')
    await using broker = await brokerFor(5, [news])
    ok(await pub(...to(5), '-t', news.name, '-m', 'old', '-r'))
    await using later = await brokerFor(5, [news, readers])
    const messages = await received(later, readers, () => broker.producer(news).send('new'))
    await until('both', () => messages.length === 2)
    expect(messages.map(({ body, headers }) => [body, headers['mqtt-retained']])).toEqual([
      ['old', 'true'],
      ['new', undefined],
    ])
    ok(await pub(...to(5), '-t', news.name, '-n', '-r'))
  })

  it('answers the questions of a plain client of MQTT 5', async () => {
    const quotes = queue(`quotes-${process.pid}`, { schema: z.object({ sku: z.string() }), reply: z.object({ cents: z.number() }) })
    await using broker = await brokerFor(5, [quotes])
    await broker.consume(quotes, ({ body }) => ({ cents: body.sku.length * 100 }))
    const { ok: done, stdout } = await rr(
      ...to(5),
      '-t',
      quotes.name,
      '-e',
      `answers/${process.pid}`,
      '-m',
      '{"sku":"abc"}',
      '-D',
      'publish',
      'correlation-data',
      '7',
      '-W',
      '5',
    )
    expect({ done, answer: JSON.parse(stdout) as unknown }).toEqual({ done: true, answer: { cents: 300 } })
  })

  it('sends and reads bodies alone in MQTT 3.1.1', async () => {
    const news = fresh()
    const readers = news.subscription('readers')
    await using broker = await brokerFor(4, [news, readers])
    expect(await printed(4, news.name, '%p', () => broker.producer(news).send('grüße'))).toEqual(['grüße'])
    const messages = await received(broker, readers, async () => ok(await pub(...to(4), '-t', news.name, '-m', 'plain')))
    await until('both', () => messages.length === 2)
    expect(messages.map(({ body }) => body)).toEqual(['grüße', 'plain'])
  })

  it('puts an envelope around bodies in MQTT 3.1.1 where the route says so, and reads bodies without one', async () => {
    const news = fresh()
    const readers = news.subscription('readers')
    await using broker = await brokerFor(4, [news, readers], { envelope: true })
    const [hex = ''] = await printed(4, news.name, '%x', () => broker.producer(news).send('body', { headers: { tenant: 'acme' } }))
    const bytes = Buffer.from(hex, 'hex')
    expect([bytes.subarray(0, 4).toString('hex'), bytes.subarray(-4).toString()]).toEqual(['ff425553', 'body'])
    const messages = await received(broker, readers, async () => ok(await pub(...to(4), '-t', news.name, '-m', 'plain')))
    await until('both', () => messages.length === 2)
    expect(messages.map(({ body, headers }) => [body, headers['tenant']])).toEqual([
      ['body', 'acme'],
      ['plain', undefined],
    ])
  })
}
