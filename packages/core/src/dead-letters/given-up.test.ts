import { expect, it } from 'vitest'
import { createBroker } from '../broker/create-broker.ts'
import { queue } from '../definitions/queue.ts'
import { loadEverything } from '../lazy.ts'
import { deadLetter } from '../outcome.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { turns } from '../test-support/turns.ts'

const orders = queue<{ readonly n: number }>('orders')

async function toldOf(error: unknown): Promise<unknown> {
  await loadEverything()
  const told: unknown[] = []
  const broker = createBroker({
    driver: new NaiveDriver(),
    destinations: [orders],
    routes: { orders: { deadLetter: 'drop' } },
    clock: new ManualClock(),
    log: (level, event, data) => void (event === 'message:given-up' && told.push([level, data])),
  })
  await broker.consume(orders, () => deadLetter('no such customer', error))
  await broker.producer(orders).send({ n: 1 }, { id: 'm1' })
  await turns()
  await broker.close()
  return told
}

it('a message that is given up is told with its error, short, in one line and without passwords', async () => {
  const told = { source: 'orders', messageId: 'm1', reason: 'no such customer', errorName: 'TypeError', attempts: 1, dropped: true }
  expect(await toldOf(new TypeError('lost\namqp://u:hunter2@host'))).toEqual([['warn', { ...told, errorMessage: 'lost amqp://***@host' }]])
  expect(await toldOf(new TypeError('x'.repeat(10_000)))).toEqual([['warn', { ...told, errorMessage: 'x'.repeat(500) }]])
})

it('a message that is given up without an error is told without one', async () => {
  const [[, data] = []] = (await toldOf(undefined)) as [string, object][]
  expect(data).toEqual({ source: 'orders', messageId: 'm1', reason: 'no such customer', errorName: undefined, attempts: 1, dropped: true })
  expect(data).not.toHaveProperty('errorMessage')
})
