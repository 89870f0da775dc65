import { expect, it } from 'vitest'
import { keepInFlight } from './keep-in-flight.ts'

it('keeps so many open and no more, until all are sent', async () => {
  let open = 0
  let most = 0
  const sent: number[] = []
  await keepInFlight(
    20,
    3,
    async () => {
      most = Math.max(most, ++open)
      await new Promise((resolve) => setImmediate(resolve))
      open--
    },
    (index) => sent.push(index),
  )
  expect(most).toBe(3)
  expect(sent.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index))
})

it('rejects at the first that fails', async () => {
  const send = (index: number): Promise<void> => (index === 2 ? Promise.reject(new Error('refused')) : Promise.resolve())
  await expect(keepInFlight(5, 1, send, () => undefined)).rejects.toThrow('refused')
})
