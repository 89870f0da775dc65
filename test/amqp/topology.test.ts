import type { Change, Endpoint } from '@busbar/core/driver'
import * as raw from 'amqplib'
import { expect, it } from 'vitest'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { FakeIntake, until } from './support/intake.ts'
import { endpointOf, messageOf, never, TestLink } from './support/link.ts'

const orders = endpointOf('orders')

async function plan(link: TestLink, ...endpoints: readonly Endpoint[]): Promise<readonly Change[]> {
  return (await link.link.topology?.plan(endpoints, never)) ?? []
}

/** Declares a queue as a plain client would. */
async function declare(url: string, name: string, args: Record<string, unknown>): Promise<void> {
  const connection = await raw.connect(url)
  const channel = await connection.createChannel()
  await channel.assertQueue(name, { arguments: args })
  await connection.close()
}

await onEachRabbitmq({}, (bed) => {
  it('plans what is missing, makes it once, and then finds nothing to do', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const keyed = endpointOf('keyed', { keyed: true, options: { partitions: 2 } })
    const changes = await plan(link, orders, keyed)
    expect(new Set(changes.map(({ kind }) => kind))).toEqual(new Set(['create']))
    const resources = changes.map(({ resource }) => resource)
    expect(resources.filter((resource) => !resource.includes('busbar.delay'))).toEqual([
      'queue orders.dead',
      'queue keyed.dead',
      'queue orders',
      'queue keyed.p0',
      'queue keyed.p1',
      'queue keyed.members',
      'exchange keyed.partitions',
    ])
    expect(resources.filter((resource) => resource.startsWith('queue busbar.delay')).length).toBe(28)
    await link.provision(orders, keyed)
    expect(await plan(link, orders, keyed)).toEqual([])
    await link.provision(orders, keyed)
    expect(await link.link.inspect(keyed, never)).toMatchObject({ ordering: 'key', keyHold: 'process' })
  })

  it('takes what others have made, if it will do', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url, { delays: false })
    await declare(url, 'orders.dead', { 'x-queue-type': 'classic' })
    await declare(url, 'orders', {
      'x-queue-type': 'quorum',
      'x-delivery-limit': 30,
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': 'elsewhere',
      'x-dead-letter-strategy': 'at-least-once',
      'x-max-length': 1_000_000,
      'x-overflow': 'reject-publish',
    })
    expect(await plan(link, orders)).toEqual([])
    // As core asks: with the place as an endpoint of its own. What is rejected would end elsewhere.
    const { deadLetterName: _none, ...place } = endpointOf('orders.dead', { maxAttempts: 0 })
    expect(await plan(link, place, orders)).toEqual([])
    expect(await link.link.inspect(orders, never)).toMatchObject({ deadLetter: 'emulated' })
  })

  it('refuses existing queues that would drop what they have confirmed, each with the remedy', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url, { delays: false })
    const sound = {
      'x-queue-type': 'quorum',
      'x-delivery-limit': 30,
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': 'dead',
      'x-dead-letter-strategy': 'at-least-once',
      'x-overflow': 'reject-publish',
    }
    const { 'x-dead-letter-strategy': _strategy, 'x-overflow': _overflow, ...weak } = sound
    await declare(url, 'sound', sound)
    await declare(url, 'weak', weak)
    await declare(url, 'short', { ...weak, 'x-max-length': 5 })
    await declare(url, 'small', { ...weak, 'x-max-length-bytes': 500 })
    await declare(url, 'aging', { ...sound, 'x-message-ttl': 60_000 })
    await declare(url, 'leaving', { ...sound, 'x-expires': 60_000 })
    await declare(url, 'plain', { 'x-max-length': 5 })
    const changes = await plan(
      link,
      ...['sound', 'weak', 'short', 'small', 'aging', 'leaving'].map((name) => endpointOf(name, { deadLetterName: 'dead' })),
      endpointOf('plain', { deadLetterName: 'dead', options: { queueType: 'classic' } }),
    )
    const conflicts = Object.fromEntries(changes.filter(({ kind }) => kind === 'conflict').map(({ resource, text }) => [resource, text]))
    expect(Object.keys(conflicts)).toEqual(['queue weak', 'queue short', 'queue small', 'queue aging', 'queue leaving', 'queue plain'])
    expect(conflicts['queue weak']).toMatch(/without x-dead-letter-strategy at-least-once and x-overflow reject-publish/)
    expect(conflicts['queue short']).toMatch(/x-max-length is 5 .* oldest messages are dropped/)
    expect(conflicts['queue small']).toMatch(/x-max-length-bytes is 500 /)
    expect(conflicts['queue aging']).toMatch(/x-message-ttl is 60000/)
    expect(conflicts['queue leaving']).toMatch(/x-expires is 60000/)
    expect(conflicts['queue plain']).toMatch(/oldest messages are dropped/)
    for (const text of Object.values(conflicts)) expect(text).toMatch(/provision again/)
  })

  it('refuses places for dead letters that looking at them would empty', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url, { delays: false })
    await declare(url, 'low.dead', { 'x-queue-type': 'quorum', 'x-delivery-limit': 3 })
    await declare(url, 'default.dead', { 'x-queue-type': 'quorum' })
    await declare(url, 'onward.dead', { 'x-queue-type': 'quorum', 'x-delivery-limit': 3, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'deader' })
    const changes = await plan(link, endpointOf('low'), endpointOf('default'), endpointOf('onward'))
    const conflicts = Object.fromEntries(changes.filter(({ kind }) => kind === 'conflict').map(({ resource, text }) => [resource, text]))
    // Without a limit, RabbitMQ 3 has none.
    expect(Object.keys(conflicts)).toEqual(bed.version.startsWith('3.') ? ['queue low.dead'] : ['queue low.dead', 'queue default.dead'])
    expect(conflicts['queue low.dead']).toMatch(/x-delivery-limit is 3, and with no x-dead-letter-exchange .* provision again/)
  })

  it('keeps dead letters, however often they are looked at, in the place that it makes', async () => {
    await using link = await TestLink.open(await freshVhost(bed), { delays: false })
    await link.provision(orders)
    const dead = endpointOf('orders.dead')
    await link.send(dead, [messageOf('kept')])
    const { intake, receiver } = await link.receive(dead, new FakeIntake(() => 'hold'))
    for (let look = 1; look <= 30; look++) {
      await until(`look ${look}`, () => intake.deliveries.length === look)
      await receiver.settle([{ delivery: intake.deliveries[look - 1]!, action: 'release' }])
    }
    await until('the last', () => intake.deliveries.length === 31)
  })

  it('refuses a delivery limit that is too low, or none, or nowhere to go to, with the remedy', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url, { delays: false })
    await declare(url, 'low', { 'x-queue-type': 'quorum', 'x-delivery-limit': 29, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'low.dead' })
    await declare(url, 'none', { 'x-queue-type': 'quorum' })
    const changes = (await plan(link, endpointOf('low'), endpointOf('none'))).filter(({ kind }) => kind === 'conflict')
    expect(changes.map(({ resource }) => resource)).toEqual(['queue low', 'queue none'])
    expect(changes[0]?.text).toMatch(/x-delivery-limit is 29, and at least 30 .*lower maxAttempts/)
    expect(changes[1]?.text).toMatch(/no x-delivery-limit/)
    expect(changes[1]?.text).toMatch(/no x-dead-letter-exchange/)
  })

  it('refuses queues of the wrong type, for keys those without a single active consumer, and exchanges of another type', async () => {
    const url = await freshVhost(bed)
    await using link = await TestLink.open(url, { delays: false })
    await declare(url, 'orders', { 'x-queue-type': 'classic' })
    await declare(url, 'keyed.p0', {
      'x-queue-type': 'quorum',
      'x-delivery-limit': 100,
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': 'keyed.dead',
    })
    const connection = await raw.connect(url)
    await (await connection.createChannel()).assertExchange('news', 'fanout')
    await connection.close()
    const changes = await plan(link, orders, endpointOf('keyed', { keyed: true, options: { partitions: 1 } }), endpointOf('news', { kind: 'topic' }))
    const conflicts = Object.fromEntries(changes.filter(({ kind }) => kind === 'conflict').map(({ resource, text }) => [resource, text]))
    expect(conflicts['queue orders']).toMatch(/classic queue and quorum is needed/)
    expect(conflicts['queue keyed.p0']).toMatch(/no single active consumer/)
    expect(conflicts['exchange news']).toMatch(/type fanout/)
  })

  it('filters by headers at the broker, and says where it cannot', async () => {
    await using link = await TestLink.open(await freshVhost(bed))
    const news = endpointOf('news', { kind: 'topic' })
    const subscription = (name: string, headerFilter?: NonNullable<Endpoint['subscription']>['headerFilter']): Endpoint =>
      endpointOf('news', { kind: 'topic', subscription: { name, ...(headerFilter !== undefined && { headerFilter }) } })
    const gold = subscription('gold', { tier: ['gold', 'silver'], 'x-region': [{ exists: true }] })
    const all = subscription('all')
    await link.provision(news, gold, all)
    expect(await link.link.inspect(gold, never)).toMatchObject({ headerFilter: 'native', filter: 'none' })
    expect(await link.link.inspect(subscription('all', { tier: [{ prefix: 'g' }] }), never)).toMatchObject({ headerFilter: 'none' })
    expect(await link.link.inspect(subscription('all', { 'x-match': ['a'] }), never)).toMatchObject({ headerFilter: 'none' })
    const fromGold = await link.receive(gold)
    const fromAll = await link.receive(all)
    const headers = [{ tier: 'gold', 'x-region': 'eu' }, { tier: 'silver', 'x-region': 'us' }, { tier: 'gold' }, { tier: 'bronze', 'x-region': 'eu' }]
    await link.send(
      news,
      headers.map((header, index) => messageOf(String(index), { headers: header })),
    )
    await link.send(news, [messageOf('late', { delayMs: 300, headers: { tier: 'gold', 'x-region': 'eu' } })])
    await until('all', () => fromAll.intake.deliveries.length === 5)
    await until('gold', () => fromGold.intake.deliveries.length === 3)
    expect(fromGold.intake.bodies).toEqual(['0', '1', 'late'])
    expect(fromAll.intake.bodies).toEqual(['0', '1', '2', '3', 'late'])
  })

  it('sees a changed filter and replaces it while messages flow', async () => {
    await using link = await TestLink.open(await freshVhost(bed), { delays: false })
    const news = endpointOf('news', { kind: 'topic' })
    const filtered = (...tiers: string[]): Endpoint => endpointOf('news', { kind: 'topic', subscription: { name: 'some', headerFilter: { tier: tiers } } })
    const unfiltered = endpointOf('news', { kind: 'topic', subscription: { name: 'some' } })
    await link.provision(news, filtered('gold', 'silver'))
    expect(await plan(link, news, filtered('silver', 'gold'))).toEqual([])
    const { intake } = await link.receive(unfiltered)
    const sendTiers = (round: string): Promise<void> =>
      link.send(
        news,
        ['gold', 'silver', 'bronze'].map((tier) => messageOf(`${tier} ${round}`, { headers: { tier } })),
      )
    await sendTiers('1')
    expect((await plan(link, news, filtered('bronze'))).map(({ kind, resource }) => [kind, resource.replace(/via-.*/, 'via')])).toEqual([
      ['create', 'exchange news.some.via'],
      ['update', 'exchange news.some.filter'],
    ])
    await link.provision(news, filtered('bronze'))
    expect(await plan(link, news, filtered('bronze'))).toEqual([])
    await sendTiers('2')
    await link.provision(news, unfiltered)
    await sendTiers('3')
    await until('all', () => intake.deliveries.length === 6)
    expect(intake.bodies).toEqual(['gold 1', 'silver 1', 'bronze 2', 'gold 3', 'silver 3', 'bronze 3'])
  })

  it('uses exchanges of other types by their routing keys', async () => {
    await using link = await TestLink.open(await freshVhost(bed), { delays: false })
    const options = { exchangeType: 'topic', routingKey: 'order.placed', mandatory: true }
    const news = endpointOf('news', { kind: 'topic', options })
    const placed = endpointOf('news', { kind: 'topic', subscription: { name: 'placed' }, options: { ...options, bindingKeys: ['order.*'] } })
    const other = endpointOf('news', { kind: 'topic', subscription: { name: 'other' }, options: { ...options, bindingKeys: ['invoice.*'] } })
    await link.provision(news, placed, other)
    const fromPlaced = await link.receive(placed)
    const fromOther = await link.receive(other)
    await link.send(news, [messageOf('x')])
    await until('the message', () => fromPlaced.intake.deliveries.length === 1)
    expect(fromOther.intake.deliveries).toEqual([])
    const unheard = endpointOf('news', { kind: 'topic', options: { ...options, routingKey: 'nobody' } })
    expect(await link.sender(unheard).send([messageOf('y')], never)).toMatchObject([{ ok: false, error: { code: 'ERR_UNROUTABLE' } }])
  })

  it('answers requests, and tells when the requester has gone', async () => {
    const url = await freshVhost(bed)
    await using server = await TestLink.open(url)
    await using client = await TestLink.open(url)
    const got: string[] = []
    const address = await client.link.replies?.open((reply) => void got.push(`${reply.correlationId} ${String(reply.body)} ${reply.headers['h']}`))
    expect(await server.link.replies?.send(address ?? '', messageOf('pong', { correlationId: 'c1', headers: { h: '1' } }))).toEqual({ ok: true })
    await until('the reply', () => got.length === 1)
    expect(got).toEqual(['c1 pong 1'])
    await client.link.replies?.close()
    await until('the end of the reply queue', async () => {
      const result = await server.link.replies?.send(address ?? '', messageOf('late'))
      return result?.ok === false && result.error.code === 'ERR_UNROUTABLE'
    })
  })
})
