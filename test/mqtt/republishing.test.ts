import { constant, createBroker, queue, text, type Broker, type ConsumeOptions, type DeadLetter } from '@busbar/core'
import { retry } from '@busbar/middleware'
import { mqtt } from '@busbar/mqtt'
import { afterAll, describe, expect, it } from 'vitest'
import { FakeIntake, until } from '../amqp/support/intake.ts'
import { endpointOf, messageOf, TestLink } from '../amqp/support/link.ts'
import { skipOrFail, startMosquitto, startProxy } from '../brokers/index.ts'
import { connectOnce } from '../brokers/mqtt/greet.ts'
import { freshOptions } from './support/beds.ts'

const bed = await startMosquitto({}).then(skipOrFail)
afterAll(() => bed?.[Symbol.asyncDispose]())

const url = bed?.url ?? ''
const jobs = queue('jobs', { codec: text })
/** Every retry is given to the broker. */
const atOnce: ConsumeOptions = { use: [retry({ maxAttempts: 3, backoff: constant(0), holdMs: 0 })] }

interface Processes {
  readonly name: string
  /** Of the same service; `through` another address. */
  readonly start: (through?: string) => Broker
  readonly events: readonly string[]
}

let names = 0

function processes(protocolVersion: 5 | 4): Processes {
  const name = `republished/${process.pid}/${names++}`
  const same = { ...freshOptions(), protocolVersion, sharedSubscriptions: true, members: 2, rebalanceMs: 100 }
  const options = { redelivery: 'republish', ...(protocolVersion === 4 && { envelope: true }) } as const
  const events: string[] = []
  return {
    ...{ name, events },
    start: (through = url) =>
      createBroker({
        driver: mqtt({ url: through, ...same, keepaliveMs: 1_000, reconnectMaxMs: 300, timeoutMs: 2_000 }),
        destinations: [jobs],
        routes: { jobs: { name, options } },
        provision: 'create',
        log: (_level, event) => void events.push(event),
      }),
  }
}

describe.skipIf(bed === undefined)('a queue of mosquitto that publishes again', { timeout: 30_000 }, () => {
  it.each([5, 4] as const)('counts attempts over all processes, and gives up what has none left (protocol version %s)', async (protocolVersion) => {
    const { start } = processes(protocolVersion)
    await using one = start()
    await using two = start()
    const starts: string[] = []
    const sharing = new Set<Broker>()
    for (const broker of [one, two]) {
      const handle = ({ body, attempt }: { readonly body: string; readonly attempt: number }): void => {
        sharing.add(broker)
        if (body === 'warm') return
        starts.push(`${body} #${attempt} at ${broker === one ? 'one' : 'two'}`)
        throw new Error('never')
      }
      await broker.consume(jobs, handle, atOnce)
    }
    await until('both to have a share', async () => {
      await one.producer(jobs).sendBatch(['warm', 'warm'])
      return sharing.size === 2
    })
    const bodies = Array.from({ length: 20 }, (_, index) => `bad-${index}`)
    await one.producer(jobs).sendBatch(bodies)
    await until('all starts', () => starts.length >= 60)
    for (const body of bodies) expect(starts.filter((each) => each.startsWith(`${body} `)).map((each) => each.split(' ')[1])).toEqual(['#1', '#2', '#3'])
    // A copy goes to whichever member is next.
    expect(new Set(starts.map((each) => each.split(' at ')[1]))).toEqual(new Set(['one', 'two']))
    const given: (readonly [string, number | undefined])[] = []
    const where = ({ body, info }: DeadLetter): boolean => given.push([Buffer.from(body).toString(), info?.attempts]) > 0
    await until('all dead letters', async () => (await one.deadLetters(jobs).discard({ where })).discarded > 0 && given.length >= bodies.length)
    expect(new Map(given)).toEqual(new Map(bodies.map((body) => [body, 3])))
  })

  it('loses nothing when connections are cut between a copy and the ack of its original, and counts attempts', async () => {
    await using proxy = await startProxy(Number(new URL(url).port))
    const { name, start, events } = processes(5)
    await using cut = start(proxy.through(url))
    await using steady = start()
    const copies: string[] = []
    const spy = await connectOnce(url, { protocolVersion: 5 }, (client) => {
      client.on('message', (_topic, payload, { properties }) => {
        const { a } = JSON.parse(String(properties?.userProperties?.['busbar'])) as { readonly a?: number }
        if (a !== undefined) copies.push(payload.toString())
      })
    })
    await spy.subscribeAsync(name, { qos: 1 })
    const failed = new Set<string>()
    const done = new Map<string, number>()
    let most = 0
    let handled = 0
    for (const broker of [cut, steady]) {
      await broker.consume(
        jobs,
        async (message) => {
          const { body, attempt } = message
          most = Math.max(most, attempt)
          if (broker === cut && attempt > 1) handled++
          const number = Number(body)
          if (attempt > 1 || number % 3 === 0) return void done.set(body, attempt)
          failed.add(body)
          if (number % 3 === 1) throw new Error('not yet')
          await message.nack()
        },
        atOnce,
      )
    }
    const producer = steady.producer(jobs)
    let count = 0
    for (let time = 0; time < 4; time++) {
      const { accepted } = proxy
      const before = handled
      // The other process takes what is left alone, and gives it back when the one that was cut asks for its share.
      await until('copies of the one that is cut', async () => {
        await producer.sendBatch(Array.from({ length: 100 }, () => String(count++)))
        return handled > before + 20
      })
      const sending = producer.sendBatch(Array.from({ length: 100 }, () => String(count++)))
      proxy[time % 2 === 0 ? 'reset' : 'cut']()
      await sending
      await until('its connections', () => proxy.accepted >= accepted + 2)
    }
    await until('everything', () => done.size === count, 15_000)
    const bodies = Array.from({ length: count }, (_, index) => String(index))
    expect(bodies.filter((body) => !done.has(body))).toEqual([])
    // What failed was done by a later attempt: none was forgotten, and none made up, or there would be dead letters.
    expect([...failed].filter((body) => (done.get(body) ?? 0) < 2)).toEqual([])
    expect(most).toBeLessThanOrEqual(3)
    expect(new Set(copies).size).toBeGreaterThan(count / 3)
    expect(events.filter((event) => event === 'session:disconnected').length).toBeGreaterThanOrEqual(2)
    expect(await steady.deadLetters(jobs).discard()).toEqual({ discarded: 0, skipped: 0 })
    spy.end(true)
  })

  it('leaves a message in its session when the broker does not answer its copy, as on a half-open link', async () => {
    await using proxy = await startProxy(Number(new URL(url).port))
    const driver = mqtt({ url: proxy.through(url), keepaliveMs: 1_000, reconnectMaxMs: 300, timeoutMs: 1_000, ...freshOptions() })
    await using link = await TestLink.over(driver)
    const jobsQueue = endpointOf(`republished/${process.pid}/${names++}`, { options: { redelivery: 'republish', members: 1 } })
    await link.provision(jobsQueue)
    const { intake } = await link.receive(jobsQueue, new FakeIntake(() => 'hold'))
    await link.send(jobsQueue, [messageOf('one'), messageOf('two')])
    await until('both', () => intake.deliveries.length === 2)
    const [one, two] = intake.deliveries
    if (one === undefined || two === undefined) throw new Error('no deliveries')
    proxy.freeze('both')
    const settled = await intake.settle(two, { retryMs: 0 })
    if (settled !== 'too-late') expect(settled).toMatchObject({ error: { retryable: true } })
    proxy.thaw()
    await until('both once more', () => ['one', 'two'].every((body) => intake.bodies.slice(2).includes(body)))
    // Of before the loss: it touches neither the message nor its copy.
    expect(await intake.settle(two, { retryMs: 0 })).toBe('too-late')
    const current = (): typeof intake.deliveries => intake.deliveries.filter(({ scope }) => scope !== one.scope)
    for (const delivery of current()) expect(await intake.settle(delivery, { retryMs: 0 })).toBe('accepted')
    await until('the copies', () => current().filter(({ incoming }) => incoming.attempt > 0).length >= 2)
  })
})
