import { expect, it } from 'vitest'
import { Addresses } from './addresses.ts'
import { deadLetteredFrom } from './deaths.ts'

const addresses = new Addresses()
addresses.learn({ destination: 'orders', kind: 'queue', name: 'orders', keyed: true, maxAttempts: 3, options: {} })

function death(queue: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return { queue, reason: 'rejected', count: 1, exchange: '', 'routing-keys': [queue], time: { '!': 'timestamp', value: 1 }, ...more }
}

it.each([
  [death('work'), 'queue work'],
  [death('work', { reason: 'delivery_limit' }), 'queue work'],
  [death('news.audit'), 'queue news.audit'],
  [death('orders.p3'), 'queue orders'],
  [death('orders.p12345'), 'queue orders'],
  [death('work.p3'), 'queue work.p3'],
  // The delay ladder, by which every delayed message comes.
  [death('busbar.delay.03', { reason: 'expired' }), undefined],
  [{ queue: 'work', reason: 'rejected', count: 3 }, undefined],
  [death('work', { reason: 'because' }), undefined],
  [death('work', { time: 5 }), undefined],
  [1, undefined],
])('reads from %j: %s', (newest, address) => {
  expect(deadLetteredFrom({ 'x-death': [newest, death('older')] }, addresses.ofQueue)).toBe(address)
})

it('reads nothing where there is no list of deaths', () => {
  expect(deadLetteredFrom(undefined, addresses.ofQueue)).toBeUndefined()
  expect(deadLetteredFrom({}, addresses.ofQueue)).toBeUndefined()
  expect(deadLetteredFrom({ 'x-death': 'work' }, addresses.ofQueue)).toBeUndefined()
  expect(deadLetteredFrom({ 'x-death': [] }, addresses.ofQueue)).toBeUndefined()
})
