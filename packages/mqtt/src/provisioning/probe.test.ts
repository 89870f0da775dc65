import type { Clock } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { mqtt } from '../mqtt-driver.ts'
import { fakeBroker } from '../test-support/fake-broker.ts'
import { endpoint } from '../test-support/messages.ts'
import { never, services } from '../test-support/services.ts'

/** In real time, and tells which timers have been set for longer than that and not cancelled. */
function countingClock(atLeastMs: number): { readonly clock: Clock; readonly open: () => number } {
  const open = new Set<object>()
  const clock: Clock = {
    ...services.clock,
    timer(atMs, wake) {
      const key = {}
      const timer = services.clock.timer(atMs, () => {
        open.delete(key)
        wake()
      })
      if (atMs - services.clock.monotonic() > atLeastMs) open.add(key)
      return {
        cancel: () => {
          open.delete(key)
          timer.cancel()
        },
      }
    },
  }
  return { clock, open: () => open.size }
}

it('waits for nothing any more when its message has come: a timer would keep the process alive', async () => {
  const broker = await fakeBroker(5)
  const { clock, open } = countingClock(500)
  const link = await mqtt({ url: broker.url }).connect({ ...services, clock }, never)
  const queue = endpoint({ options: { members: 2 } })
  await link.topology?.apply([queue], [], never)
  await link.inspect(queue, never)
  await link.close()
  expect(open()).toBe(0)
  broker.close()
})
