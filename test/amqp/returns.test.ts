import * as raw from 'amqplib'
import { expect, it } from 'vitest'
import { startProxy } from '../brokers/index.ts'
import { freshVhost, onEachRabbitmq } from './support/beds.ts'
import { until } from './support/intake.ts'

interface PlainConsumer {
  readonly got: number[]
  /** Without a word, as a process ends that is killed. */
  die(): Promise<void>
}

async function consumer(url: string, prefetch: number): Promise<PlainConsumer> {
  const proxy = await startProxy(Number(new URL(url).port))
  const connection = await raw.connect(proxy.through(url))
  connection.on('error', () => {})
  const channel = await connection.createChannel()
  channel.on('error', () => {})
  await channel.prefetch(prefetch)
  const got: number[] = []
  await channel.consume('jobs', (message) => message !== null && got.push(Number(message.content)))
  return { got, die: () => proxy.close() }
}

const numbers = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

await onEachRabbitmq({}, (bed) => {
  // Why a partition has the same window in every process: see prefetchOf in @busbar/amqp.
  it.each([
    { second: 10, third: [...numbers(11, 30), ...numbers(1, 10), ...numbers(31, 60)] },
    { second: 30, third: numbers(1, 60) },
  ])('hands over what two consumers had that died, the first with 30 messages and the second with $second', async ({ second, third }) => {
    const url = await freshVhost(bed)
    const connection = await raw.connect(url)
    const channel = await connection.createConfirmChannel()
    await channel.assertQueue('jobs', { durable: true, arguments: { 'x-queue-type': 'quorum', 'x-single-active-consumer': true } })
    for (const number of numbers(1, 60)) channel.sendToQueue('jobs', Buffer.from(String(number)), { persistent: true })
    await channel.waitForConfirms()
    const a = await consumer(url, 30)
    await until('the first has its window', () => a.got.length === 30)
    const b = await consumer(url, second)
    await a.die()
    await until('the second has its window', () => b.got.length === second)
    expect(b.got).toEqual(numbers(1, second))
    const c = await consumer(url, 60)
    await b.die()
    await until('the third has everything', () => c.got.length === 60)
    expect(c.got).toEqual(third)
    await c.die()
    await connection.close()
  })
})
