import { describe, expect, it } from 'vitest'
import { virtualClock } from './clock/virtual-clock.ts'
import { memory } from './memory.ts'
import { kit } from './test-support/kit.ts'

const refused = (text: string) => expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.stringContaining(text) as string }) as Error

describe('options', () => {
  it('come from code, from a URL and from configuration', () => {
    expect(memory.schemes).toEqual(['memory'])
    expect(memory().resources.profile.name).toBe('full')
    expect(memory({ profile: 'sns' }).resources.profile.name).toBe('sns')
    expect(memory.fromUrl(new URL('memory:?profile=sqs-fifo&seed=7&leaseMs=1000')).resources.profile.name).toBe('sqs-fifo')
    expect(memory.fromUrl(new URL('memory:')).resources.profile.name).toBe('full')
    expect(memory.fromConfiguration({ profile: 'kinesis', throttle: true }).resources.profile.name).toBe('kinesis')
  })

  it('are refused when unknown, naming the nearest', () => {
    expect(() => memory({ profil: 'full' } as never)).toThrow(refused("unknown option 'profil'; did you mean 'profile'?"))
    expect(() => memory.fromUrl(new URL('memory:?sead=7'))).toThrow(refused("did you mean 'seed'?"))
    expect(() => memory.fromConfiguration({ clock: 'x' })).toThrow(refused("unknown option 'clock'"))
  })

  it('are refused when illegal, naming what is allowed', () => {
    expect(() => memory({ profile: 'sqs-fif' as never })).toThrow(refused("did you mean 'sqs-fifo'?"))
    expect(() => memory({ profile: [Object.create(null)] as never })).toThrow(refused("profile cannot be 'an array'"))
    expect(() => memory({ leaseMs: 0 })).toThrow(refused('leaseMs must be a whole number from 1 to 43200000'))
    expect(() => memory.fromUrl(new URL('memory:?seed=x'))).toThrow(refused('seed must be a whole number'))
    expect(() => memory.fromUrl(new URL('memory:?throttle=1'))).toThrow(refused('throttle must be true or false'))
    expect(() => memory.fromUrl(new URL('memory:?seed=1&seed=2'))).toThrow(refused('given twice'))
    expect(() => memory.fromUrl(new URL('memory://host/?seed=1'))).toThrow(refused('no host and no path'))
  })

  it('that only code can give are checked too', () => {
    expect(() => memory('x' as never)).toThrow(new TypeError('memory: options must be an object, not x'))
    expect(() => memory({ clock: 5 as never })).toThrow(new TypeError('memory: clock must be a Clock; it has no function now'))
    expect(() => memory({ clock: { now: () => 0, monotonic: () => 0 } as never })).toThrow('it has no function timer')
    expect(() => memory({ trace: 'x' as never })).toThrow(new TypeError('memory: trace must be a function, not string'))
    expect(() => memory({ clock: virtualClock(), trace: () => {} })).not.toThrow()
  })

  it('are refused where they have no meaning', () => {
    expect(() => memory({ disorder: 5 })).toThrow(refused("disorder has no meaning in profile 'full', only in sqs-standard, sns"))
    expect(() => memory({ profile: 'sqs-fifo', throttle: true })).toThrow(refused("throttle has no meaning in profile 'sqs-fifo', only in kinesis"))
    for (const profile of ['kinesis', 'rabbitmq', 'mqtt'] as const)
      expect(() => memory({ profile, leaseMs: 30_000 })).toThrow(refused(`leaseMs has no meaning in profile '${profile}', only in full, sqs-standard`))
    for (const profile of ['full', 'sqs-standard', 'sqs-fifo', 'sns'] as const) expect(() => memory({ profile, leaseMs: 5_000 })).not.toThrow()
    expect(() => memory({ profile: 'sns', disorder: 5 })).not.toThrow()
    expect(() => memory({ disorder: 1, throttle: false })).not.toThrow()
  })

  it('of clock and idle are checked', async () => {
    expect(() => virtualClock({ strtMs: 1 } as never)).toThrow(new TypeError("virtualClock: unknown option 'strtMs'; did you mean 'startMs'?"))
    expect(() => virtualClock({ startMs: Number.NaN })).toThrow(RangeError)
    expect(() => virtualClock({ auto: 1 as never })).toThrow(TypeError)
    const { driver } = await kit()
    await expect(driver.idle({ timeoutMs: -1 })).rejects.toThrow(RangeError)
    await expect(driver.idle({ timeout: 1 } as never)).rejects.toThrow("unknown option 'timeout'; did you mean 'timeoutMs'?")
  })

  it('of a route are refused with a remedy', async () => {
    const { driver, endpoint } = await kit()
    expect(driver.capabilities(endpoint({ options: { shard: 3 } }))).toEqual({
      refused: "memory has no option 'shard'; did you mean 'shards'?",
      remedy: 'remove it from the route',
    })
    expect(driver.capabilities(endpoint({ options: { shards: 0 } }))).toMatchObject({ refused: 'option shards must be a whole number from 1 to 10000' })
    expect(driver.capabilities(endpoint({ maxAttempts: 5, options: { deliveryLimit: 49 } }))).toMatchObject({ remedy: 'set deliveryLimit to at least 50' })
  })

  it.each([
    ['full', 'queue', 'shards'],
    ['full', 'topic', 'retentionMs'],
    ['full', 'stream', 'deliveryLimit'],
    ['full', 'stream', 'queueDelayMs'],
    ['sqs-fifo', 'queue', 'retentionMs'],
    ['sns', 'topic', 'deliveryLimit'],
    ['kinesis', 'queue', 'deliveryLimit'],
    ['kinesis', 'stream', 'queueDelayMs'],
    ['rabbitmq', 'queue', 'queueDelayMs'],
    ['mqtt', 'queue', 'deliveryLimit'],
    ['mqtt', 'topic', 'queueDelayMs'],
  ] as const)('of a route in profile %s are refused for a %s that %s means nothing to', async (profile, kind, name) => {
    const { driver, endpoint } = await kit({ profile })
    const given = endpoint({ kind, deadLetterName: 'orders.dead', options: { [name]: 5_000 } })
    expect(driver.capabilities(given)).toMatchObject({
      refused: expect.stringContaining(`option ${name} has no meaning for a ${kind} in profile '${profile}'`) as string,
      remedy: 'remove it from the route',
    })
  })

  it.each([
    ['full', { kind: 'stream', options: { shards: 2, retentionMs: 60_000 } }],
    ['full', { kind: 'topic', options: { deliveryLimit: 10, queueDelayMs: 5 } }],
    ['full', { kind: 'topic', subscription: { name: 's' }, deadLetterName: 'd', options: { deliveryLimit: 10, queueDelayMs: 5 } }],
    ['sns', { kind: 'topic', subscription: { name: 's' }, options: { queueDelayMs: 5 } }],
    ['kinesis', { kind: 'queue', options: { shards: 2 } }],
    ['rabbitmq', { kind: 'queue', deadLetterName: 'd', options: { deliveryLimit: 10 } }],
  ] as const)('of a route in profile %s are taken where they mean something: %j', async (profile, parts) => {
    const { driver, endpoint } = await kit({ profile })
    expect(driver.capabilities(endpoint(parts))).not.toHaveProperty('refused')
  })

  it('a delivery limit is refused where there is nothing to move messages to', async () => {
    const { driver, endpoint } = await kit()
    expect(driver.capabilities(endpoint({ options: { deliveryLimit: 100 } }))).toMatchObject({
      refused: expect.stringContaining('no meaning without a dead-letter queue') as string,
      remedy: expect.stringContaining("deadLetter: 'drop'") as string,
    })
  })

  it('the length of a lease is declared and kept', async () => {
    const { capabilities, consume, send, clock } = await kit({ leaseMs: 100 })
    expect(capabilities().lease).toMatchObject({ ms: 100 })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(100)
    expect(consumer.intake.take()).toEqual(['a', 'a'])
  })
})

describe('resources', () => {
  it('exist as soon as they are used, by default: a plan has nothing to do', async () => {
    const { link, endpoint } = await kit()
    const signal = new AbortController().signal
    expect(await link.topology.plan([endpoint({ deadLetterName: 'orders.dead' })], signal)).toEqual([])
    expect((await link.inspect(endpoint())).kind).toBe('queue')
  })

  it('must be provisioned when missing ones are refused', async () => {
    const { link, endpoint } = await kit({ missing: 'refuse' })
    const signal = new AbortController().signal
    const orders = endpoint({ deadLetterName: 'orders.dead' })
    const billing = endpoint({ kind: 'topic', name: 'placed', subscription: { name: 'billing' } })
    const stream = endpoint({ kind: 'stream', name: 'positions', subscription: { name: 'tracker' } })
    await expect(link.inspect(orders)).rejects.toMatchObject({ code: 'ERR_NOT_FOUND' })
    expect(() => link.sender(orders)).toThrow(expect.objectContaining({ code: 'ERR_NOT_FOUND' }) as Error)
    const changes = await link.topology.plan([orders, billing, stream], signal)
    expect(changes.map(({ kind, resource }) => `${kind} ${resource}`)).toEqual([
      'create queue orders',
      'create queue orders.dead',
      'create topic placed',
      'create subscription placed.billing',
      'create stream positions',
      'create subscription positions.tracker',
    ])
    await link.topology.apply([orders, billing, stream], changes, signal)
    await link.topology.apply([orders, billing, stream], changes, signal)
    expect(await link.topology.plan([orders, billing, stream], signal)).toEqual([])
    await link.inspect(orders)
  })

  it('a delivery limit that is too low for a program is a conflict', async () => {
    const { link, endpoint } = await kit()
    const signal = new AbortController().signal
    await link.inspect(endpoint({ deadLetterName: 'dead', options: { deliveryLimit: 20 } }))
    const greedy = endpoint({ deadLetterName: 'dead', maxAttempts: 3 })
    expect(await link.topology.plan([greedy], signal)).toMatchObject([{ kind: 'conflict', resource: 'queue orders' }])
    await expect(link.inspect(greedy)).rejects.toMatchObject({
      code: 'ERR_CONFIGURATION',
      message: 'queue orders: its delivery limit is 20; 3 attempts need at least 30',
    })
  })

  it('are shared by all links of one driver, and by no others', async () => {
    const { send, connect, consume } = await kit()
    await send(['a'])
    expect((await consume({ link: await connect() })).intake.take()).toEqual(['a'])
    expect((await (await kit()).consume()).intake.take()).toEqual([])
  })
})

describe('replies', () => {
  it('go to the address of the requester, and are unroutable when it is gone', async () => {
    const { link, connect } = await kit()
    const requester = await connect()
    const replies: unknown[] = []
    const address = await requester.replies?.open((reply) => replies.push(reply.body))
    const reply = { id: 'r', body: 'pong', bodyBytes: 4, headers: {}, correlationId: 'c' } as never
    expect(await link.replies?.send(address ?? '', reply)).toEqual({ ok: true })
    await Promise.resolve()
    expect(replies).toEqual(['pong'])
    await requester.replies?.close()
    expect(await link.replies?.send(address ?? '', reply)).toMatchObject({ ok: false, stored: 'no', error: { code: 'ERR_UNROUTABLE' } })
  })
})
