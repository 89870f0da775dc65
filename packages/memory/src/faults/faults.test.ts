import { describe, expect, it } from 'vitest'
import { kit } from '../test-support/kit.ts'
import { virtualClock } from '../clock/virtual-clock.ts'
import { memory } from '../memory.ts'
import { profileNames } from '../profiles/profile.ts'
import { Faults } from './faults.ts'
import type { FaultRule } from './plan.ts'

const at = (operation: FaultRule['at']['operation'], fault: FaultRule['fault'], when: Partial<FaultRule['at']> = {}): FaultRule => ({
  at: { operation, ...when },
  fault,
})
const ids = (count: number) => Array.from({ length: count }, (_, index) => `m${index}`)

describe('scripted faults', () => {
  it('strike at the n-th call, at every n-th, at one place, and so many times', async () => {
    const throttle = { kind: 'throttle' } as const
    const outcomes = async (rule: FaultRule, name = 'orders') => {
      const { send, endpoint } = await kit({ faults: { rules: [rule] } })
      const results = []
      for (let call = 0; call < 6; call++) results.push((await send(['a'], endpoint({ name })))[0]?.ok)
      return results.map((ok) => (ok ? '.' : 'x')).join('')
    }
    expect(await outcomes(at('send', throttle, { nth: 2 }))).toBe('.x....')
    expect(await outcomes(at('send', throttle, { every: 3 }))).toBe('..x..x')
    expect(await outcomes({ ...at('send', throttle), times: 2 })).toBe('xx....')
    expect(await outcomes(at('send', throttle, { place: 'orders' }), 'others')).toBe('......')
    expect(await outcomes(at('send', throttle, { probability: 0 }))).toBe('......')
  })

  it('names the operations when a fault cannot take effect at one', async () => {
    const { driver } = await kit()
    expect(() => driver.inject(at('connect', { kind: 'duplicate' }))).toThrow('duplicate cannot take effect at connect, only at send, deliver')
  })

  it('send: throttled messages are not stored', async () => {
    const { send, stats } = await kit({ faults: { rules: [at('send', { kind: 'throttle' })] } })
    expect(await send(['a'])).toMatchObject([{ ok: false, stored: 'no', error: { code: 'ERR_THROTTLED', retryable: true } }])
    expect((await stats()).ready).toBe(0)
  })

  it('send: a lost response leaves the sender in doubt, whether it was stored or not', async () => {
    for (const stored of [true, false]) {
      const { send, stats } = await kit({ faults: { rules: [at('send', { kind: 'lose-response', stored })] } })
      expect(await send(['a'])).toMatchObject([{ ok: false, stored: 'unknown', error: { code: 'ERR_UNCONFIRMED' } }])
      expect((await stats()).ready).toBe(stored ? 1 : 0)
    }
  })

  it('send: a duplicate is stored twice', async () => {
    const { send, stats } = await kit({ faults: { rules: [at('send', { kind: 'duplicate' })] } })
    expect(await send(['a'])).toEqual([{ ok: true }])
    expect((await stats()).ready).toBe(2)
  })

  it('send: a part fails at the end where batches are atomic in order, anywhere else where they are not', async () => {
    const part = async (profile: 'full' | 'rabbitmq') => {
      const { send, stats } = await kit({ profile, faults: { rules: [at('send', { kind: 'fail-part' })] } })
      const results = (await send(ids(4))).map((result) => (result.ok ? 'ok' : result.stored))
      expect((await stats()).ready).toBe(2)
      return results
    }
    expect(await part('full')).toEqual(['ok', 'ok', 'no', 'no'])
    expect(await part('rabbitmq')).toEqual(['no', 'ok', 'no', 'ok'])
  })

  it('send: a delayed answer comes later; the message is there', async () => {
    const { send, stats, clock } = await kit({ faults: { rules: [at('send', { kind: 'delay', ms: 500 })] } })
    let answered = false
    const sending = send(['a']).then(() => (answered = true))
    await clock.advance(499)
    expect([answered, (await stats()).ready]).toEqual([false, 1])
    await clock.advance(1)
    await sending
  })

  it('send: a dropped connection is down for a while, says so, and comes back', async () => {
    const { driver, link, sender, clock, send } = await kit()
    const waiting = sender()
    let writable = 0
    waiting.onWritable = () => writable++
    driver.inject({ ...at('send', { kind: 'drop-connection', downMs: 1_000 }), times: 1 })
    expect(await send(['a'])).toMatchObject([{ ok: false, stored: 'unknown' }])
    expect([link.health().state, waiting.writable]).toEqual(['reconnecting', false])
    expect(await send(['b'])).toMatchObject([{ ok: false, stored: 'no', error: { code: 'ERR_UNAVAILABLE' } }])
    await clock.advance(1_000)
    expect([link.health().state, waiting.writable, writable]).toEqual(['connected', true, 1])
  })

  it('deliver: a duplicate comes while the first is held; the first receipt is dead', async () => {
    const { send, consume, clock } = await kit({ faults: { rules: [at('deliver', { kind: 'duplicate' }, { nth: 1 })] } })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(0)
    const [first, second] = consumer.intake.deliveries
    expect([first?.sameAs, second?.brokerAttempts]).toEqual([second?.sameAs, 2])
    expect(await consumer.receiver.settle([first, second].map((delivery) => ({ delivery: delivery as NonNullable<typeof first>, action: 'ack' })))).toEqual([
      'too-late',
      'durable',
    ])
  })

  it('deliver: a reordered batch keeps the order of each key', async () => {
    const { send, consume, clock } = await kit({ faults: { rules: [at('deliver', { kind: 'reorder' })] } })
    await send(Array.from({ length: 40 }, (_, index) => ({ id: `m${index}`, key: `k${index % 4}` })))
    const consumer = await consume()
    await clock.advance(0)
    const arrived = consumer.intake.deliveries.map(({ incoming }) => incoming)
    expect(arrived.map(({ id }) => id)).not.toEqual(ids(40))
    for (const [, ofKey] of Map.groupBy(arrived, ({ key }) => key)) {
      const numbers = ofKey.map(({ id }) => Number(id?.slice(1)))
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    }
  })

  it('deliver: a reordered batch has another order, and batches that can have none are not counted', async () => {
    const seen = async (profile: 'full' | 'mqtt', batches: readonly (readonly { readonly id: string; readonly key?: string }[])[], topic = false) => {
      const { send, consume, clock, driver, endpoint } = await kit({ profile, faults: { rules: [at('deliver', { kind: 'reorder' }, { nth: 1 })] } })
      const faults: (string | undefined)[] = []
      driver.observe(({ kind, detail }) => void (kind === 'fault' && faults.push(detail)))
      const to = endpoint({ kind: topic ? 'topic' : 'queue' })
      const consumer = await consume({ endpoint: topic ? endpoint({ kind: 'topic', subscription: { name: 's' } }) : to })
      for (const batch of batches) {
        await send(batch, to)
        await clock.advance(0)
      }
      return { arrived: consumer.intake.take(), faults }
    }
    const one = [{ id: 'a' }]
    const key = ['k1', 'k2'].map((id) => ({ id, key: 'k' }))
    const two = ['b', 'c'].map((id) => ({ id }))
    expect(await seen('full', [one, key, two])).toEqual({ arrived: ['a', 'k1', 'k2', 'c', 'b'], faults: ['reorder at deliver'] })
    const mixed = await seen('full', [[...key, { id: 'y', key: 'y' }]])
    expect(mixed.faults).toEqual(['reorder at deliver'])
    expect([
      ['y', 'k1', 'k2'],
      ['k1', 'y', 'k2'],
    ]).toContainEqual(mixed.arrived)
    expect(await seen('mqtt', [two], true)).toEqual({ arrived: ['b', 'c'], faults: [] })
  })

  it('deliver: no shard is reordered, and no fault is reported', async () => {
    const { send, consume, clock, driver, endpoint } = await kit({ faults: { rules: [at('deliver', { kind: 'reorder' })] } })
    const faults: unknown[] = []
    driver.observe((event) => void (event.kind === 'fault' && faults.push(event)))
    const positions = endpoint({ kind: 'stream', name: 'positions' })
    const consumer = await consume({ endpoint: { ...positions, subscription: { name: 's' } } })
    await send(
      ids(8).map((id) => ({ id, key: 'k' })),
      positions,
    )
    await clock.advance(0)
    expect([consumer.intake.take(), faults]).toEqual([ids(8), []])
  })

  it('deliver: a second delay lengthens the first', async () => {
    const rules = [at('deliver', { kind: 'delay', ms: 100 }, { nth: 1 }), at('deliver', { kind: 'delay', ms: 100 }, { nth: 2 })]
    const { send, consume, clock } = await kit({ faults: { rules } })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(60)
    await send(['b'])
    await clock.advance(99)
    expect(consumer.intake.take()).toEqual([])
    await clock.advance(1)
    expect(consumer.intake.take()).toEqual(['a', 'b'])
  })

  it('send: what is refused is not stored, whatever else strikes', async () => {
    const rules = [at('send', { kind: 'throttle' }), at('send', { kind: 'lose-response' }), at('send', { kind: 'duplicate' })]
    const { send, stats } = await kit({ faults: { rules } })
    expect(await send(['a'])).toMatchObject([{ ok: false, stored: 'no' }])
    expect((await stats()).ready).toBe(0)
  })

  it('deliver: a delay holds back everything for the receiver, in order', async () => {
    const { send, consume, clock } = await kit({ faults: { rules: [at('deliver', { kind: 'delay', ms: 100 }, { nth: 1 })] } })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(50)
    await send(['b'])
    await clock.advance(49)
    expect(consumer.intake.take()).toEqual([])
    await clock.advance(1)
    expect(consumer.intake.take()).toEqual(['a', 'b'])
  })

  it('deliver: what is delayed arrives whole even if a receipt dies on the way, and not at all if the connection does', async () => {
    const rules = [at('deliver', { kind: 'delay', ms: 40_000 }, { nth: 1 })]
    const late = await kit({ faults: { rules } })
    const consumer = await late.consume()
    await late.send(['a', 'b'].map((id) => ({ id, key: 'k' })))
    await late.clock.advance(40_000)
    expect(consumer.intake.take()).toEqual(['a', 'b', 'a', 'b'])
    const cut = await kit({ faults: { rules } })
    const other = await cut.consume()
    await cut.send(['a'])
    await cut.clock.advance(10_000)
    cut.driver.dropConnections()
    await cut.clock.advance(19_999)
    expect(other.intake.take()).toEqual([])
    await cut.clock.advance(1)
    expect(other.intake.take()).toEqual(['a'])
  })

  it.each(['full', 'rabbitmq', 'kinesis'] as const)('crash of the consumer (%s): everything held is lost and comes again, in order', async (profile) => {
    const { send, consume, driver, clock } = await kit({ profile })
    const consumer = await consume()
    await send(['a', 'b'].map((id) => ({ id, key: 'k' })))
    await clock.advance(0)
    const old = consumer.intake.deliveries.splice(0)
    driver.crashConsumers()
    await clock.advance(0)
    const lost = new Set(consumer.intake.lostScopes.map(({ scope }) => scope))
    expect(old.every(({ scope }) => lost.has(scope))).toBe(true)
    expect(consumer.intake.take()).toEqual(['a', 'b'])
    expect(await consumer.receiver.settle(old.map((delivery) => ({ delivery, action: 'ack' })))).toEqual(['too-late', 'too-late'])
  })

  it('settle: a stolen lease makes that receipt too late and leaves the others', async () => {
    const { send, consume, clock } = await kit({ faults: { rules: [at('settle', { kind: 'steal-lease' }, { nth: 1 })] } })
    const consumer = await consume()
    await send(['a', 'b'])
    await clock.advance(0)
    const [a, b] = consumer.intake.deliveries.splice(0)
    expect(await consumer.receiver.settle([a, b].map((delivery) => ({ delivery: delivery as NonNullable<typeof a>, action: 'ack' })))).toEqual([
      'too-late',
      'durable',
    ])
    expect(consumer.intake.lostScopes.map(({ scope }) => scope)).toEqual([a?.scope])
  })

  it.each([true, false])('settle: a lost ack is an error, applied or not (%s)', async (applied) => {
    const { send, consume, clock, stats } = await kit({ faults: { rules: [at('settle', { kind: 'lose-ack', applied }, { nth: 1 })] } })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(0)
    expect(await consumer.settle('ack', 'a')).toMatchObject([{ error: { code: 'ERR_UNAVAILABLE', retryable: true } }])
    expect((await stats()).inFlight).toBe(applied ? 0 : 1)
    expect(await consumer.settle('ack', 'a')).toEqual([applied ? 'too-late' : 'durable'])
  })

  it('settle: where acks have no answer, a lost one is lost with its channel', async () => {
    const { send, consume, clock } = await kit({ profile: 'rabbitmq', faults: { rules: [at('settle', { kind: 'lose-ack', applied: false }, { nth: 1 })] } })
    const consumer = await consume()
    await send(['a'])
    await clock.advance(0)
    consumer.intake.take()
    expect(await consumer.settle('ack', 'a')).toEqual(['accepted'])
    await clock.advance(0)
    expect(consumer.intake.lostScopes).toHaveLength(1)
    expect(consumer.intake.take()).toEqual(['a'])
  })

  it('connect: refused for now', async () => {
    const clock = virtualClock({ auto: false })
    const driver = memory({ clock, faults: { rules: [{ ...at('connect', { kind: 'throttle' }), times: 1 }] } })
    const services = { clock, random: () => 0, log: () => {}, meter: () => {} }
    const connect = () => driver.connect(services, new AbortController().signal)
    await expect(connect()).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE', retryable: true })
    await expect(connect()).resolves.toBeDefined()
  })
})

describe('random faults', () => {
  interface Result {
    readonly trace: string
    readonly sent: Set<string>
    readonly handled: Set<string | undefined>
  }

  /** Sends and consumes under random faults, repeating what failed, until every message was acked. */
  async function run(profile: (typeof profileNames)[number], seed: number): Promise<Result> {
    const trace: string[] = []
    const tools = await kit({ profile, seed, trace: (line) => trace.push(line) })
    const kind = profile === 'sns' ? 'topic' : 'queue'
    const to = tools.endpoint({ kind, keyed: profile !== 'mqtt' })
    const from = kind === 'topic' ? tools.endpoint({ kind, subscription: { name: 's' } }) : to
    const consumers = [
      await tools.consume({ endpoint: from, window: { messages: 4 } }),
      await tools.consume({ endpoint: from, window: { messages: 4 }, link: await tools.connect() }),
    ]
    tools.driver.world.faults = new Faults({ random: { probability: 0.2, budget: 30, maxMs: 3_000 } }, tools.driver.world, tools.driver.resources.profile)
    const handled = new Set<string | undefined>()
    const waiting = ids(30)
    for (let round = 0; round < 500 && (waiting.length > 0 || handled.size < 30); round++) {
      for (const id of waiting.splice(0)) {
        const sending = tools.send([{ id, key: `k${id.length}` }], to)
        await tools.clock.advance(3_000)
        if (!(await sending)[0]?.ok) waiting.push(id)
      }
      for (const consumer of consumers) {
        const held = consumer.intake.deliveries.splice(0)
        for (const delivery of held) {
          const settling = consumer.receiver.settle([{ delivery, action: 'ack' }])
          await tools.clock.advance(3_000)
          const [result] = await settling
          if (typeof result === 'object') consumer.intake.deliveries.push(delivery)
          else handled.add(delivery.incoming.id)
        }
      }
      await tools.clock.advance(5_000)
    }
    return { trace: trace.join('\n'), sent: new Set(ids(30)), handled }
  }

  it.each(profileNames)('lose nothing that was confirmed (%s)', async (profile) => {
    for (let seed = 1; seed <= 3; seed++) {
      const { sent, handled } = await run(profile, seed)
      expect(handled).toEqual(sent)
    }
  })

  it('give one trace for one seed, byte for byte, and another for another', async () => {
    const first = await run('full', 11)
    expect(first.trace).toContain('fault')
    expect((await run('full', 11)).trace).toBe(first.trace)
    expect((await run('full', 12)).trace).not.toBe(first.trace)
  })
})
