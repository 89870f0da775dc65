import { expect, it } from 'vitest'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import type { Endpoint } from '../driver/index.ts'
import { checkedFlow } from './flow.ts'
import type { ConsumeOptions } from './types.ts'

function heldBy(options: ConsumeOptions, least?: number, keyed = false): number {
  const driver = Object.assign(new NaiveDriver(), least === undefined ? {} : { leastInFlight: () => least })
  return checkedFlow(options, { driver, endpoint: { keyed } as Endpoint }).window.messages
}

it('holds twice as many messages as there are handlers, with keys at least 16', () => {
  expect([heldBy({}), heldBy({ concurrency: 3 }), heldBy({ concurrency: 3 }, undefined, true)]).toEqual([32, 6, 16])
})

it('holds no fewer than the driver asks for, unless maxInFlight is set', () => {
  expect([heldBy({}, 100), heldBy({ concurrency: 80 }, 100), heldBy({ concurrency: 1, maxInFlight: 1 }, 100)]).toEqual([100, 160, 1])
})
