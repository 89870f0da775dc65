import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { amqp } from '@busbar/amqp'
import { createBroker } from '@busbar/core'
import { redisStore } from '@busbar/redis'
import { afterAll, describe, expect, it } from 'vitest'
import { skipOrFail, startRabbitmq, startRedis } from '../../brokers/index.ts'
import { jobs } from '../support/jobs.ts'

const redis = skipOrFail(await startRedis({ persistence: 'always' }))
const rabbitmq = skipOrFail(await startRabbitmq({ version: '4.0' }))

describe.skipIf(redis === undefined || rabbitmq === undefined)('idempotency over Redis, with two consumer processes', { timeout: 50_000 }, () => {
  if (redis === undefined || rabbitmq === undefined) return
  const children: ChildProcess[] = []
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all([redis[Symbol.asyncDispose](), rabbitmq[Symbol.asyncDispose]()])
  })

  /** A consumer process that is ready; `end` lets it drain. */
  async function consumer(url: string, effects: string): Promise<{ readonly end: () => Promise<string> }> {
    const script = new URL('../support/consumer.ts', import.meta.url).pathname
    const child = spawn(process.execPath, ['--conditions=busbar-source', script, url, redis?.url ?? '', effects], { stdio: ['pipe', 'pipe', 'inherit'] })
    children.push(child)
    let output = ''
    child.stdout.on('data', (chunk) => (output += String(chunk)))
    await expect.poll(() => output, { timeout: 15_000 }).toContain('ready')
    return {
      end: async () => {
        child.stdin.end()
        await once(child, 'exit')
        return output.replace('ready\n', '').trim()
      },
    }
  }

  it('has one effect per message, although every message is sent twice and Redis is killed in the middle', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'busbar-idempotency-'))
    const effects = join(folder, 'effects')
    await writeFile(effects, '')
    const url = await rabbitmq.createVhost(`idempotency-${process.pid}`)
    const broker = createBroker({ driver: amqp({ url }), destinations: [jobs], provision: 'create' })
    await broker.start()
    const consumers = await Promise.all([consumer(url, effects), consumer(url, effects)])
    const producer = broker.producer(jobs)
    const total = 1_200
    const lines = async (): Promise<string[]> => (await readFile(effects, 'utf8')).split('\n').filter((line) => line !== '')

    const sending = (async () => {
      for (let from = 0; from < total; from += 50) {
        const part = Array.from({ length: 50 }, (_, index) => ({ n: from + index }))
        await Promise.all([...part, ...part].map((job) => producer.send(job)))
        await sleep(40)
      }
    })()
    await expect.poll(async () => (await lines()).length, { timeout: 10_000 }).toBeGreaterThan(total / 4)
    await redis.kill()
    await sleep(3_000)
    const during = (await lines()).length
    await redis.start()
    await sending
    await expect.poll(async () => (await lines()).length, { timeout: 20_000 }).toBeGreaterThanOrEqual(total)
    // Copies that come when all is done.
    await Promise.all(Array.from({ length: 200 }, (_, n) => producer.send({ n })))
    await expect.poll(async () => (await broker.stats(jobs)).ready, { timeout: 10_000 }).toBe(0)
    const said = await Promise.all(consumers.map(({ end }) => end()))

    const seen = await lines()
    expect(seen.length).toBe(new Set(seen).size)
    expect(new Set(seen).size).toBe(total)
    expect((await broker.deadLetters(jobs).peek()).length).toBe(0)
    await using store = redisStore({ url: redis.url })
    expect(await store.claim({ key: 'jobs:job-0', owner: 'check', leaseMs: 1_000 })).toMatchObject({ state: 'done' })
    console.log(`${total} effects of ${2 * total + 200} messages, ${during} before Redis was back; ${said.join(' and ')}`)
    await broker.drain()
    await rm(folder, { recursive: true })
  })
})
