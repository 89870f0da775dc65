import { expect, it } from 'vitest'
import { queue } from '../definitions/queue.ts'
import type { ProcessFunction } from '../middleware/types.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { createBroker } from './create-broker.ts'

const orders = queue<number>('orders')
const pass: ProcessFunction = (_, next) => next()

it('no handler starts after drain() or close() was called, at whatever moment of the start of its consumer', async () => {
  const late: string[] = []
  for (const ending of ['drain', 'close'] as const) {
    for (let moment = 0; moment < 100; moment++) {
      const driver = new NaiveDriver()
      const broker = createBroker({ driver, destinations: [orders], log: () => undefined })
      await broker.producer(orders).send(1)
      let ended = false
      const consuming = broker.consume(orders, () => void (ended && late.push(`${ending} ${moment}`)), { use: [pass] }).catch(() => undefined)
      for (let passed = 0; passed < moment; passed++) await Promise.resolve()
      ended = true
      await broker[ending]()
      await consuming
    }
  }
  expect(late).toEqual([])
})
