import { expect, it } from 'vitest'
import { repartition, type RepartitionOptions } from './repartition.ts'

it.each([
  [undefined, /an object of options is needed/],
  [{ partitions: 2, waitms: 5 }, /unknown option 'waitms'; did you mean 'waitMs'/],
  [{ partitions: 2, waitMs: -1 }, /'waitMs' must be a number of milliseconds, at least 0/],
  [{ partitions: 2, waitMs: '5 s' }, /'waitMs' must be/],
  [{ partitions: 0 }, /'partitions' must be a whole number from 1 to 256/],
])('refuses %j before it connects', async (change, reason) => {
  await expect(repartition({ url: 'amqp://127.0.0.1:1' }, 'orders', change as unknown as RepartitionOptions)).rejects.toThrow(
    expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.stringMatching(reason) }),
  )
})
