import { expect, it } from 'vitest'
import { addressOf, nameProblem, subscriptionName, topicOf } from './names.ts'
import { endpoint } from './test-support/endpoint.ts'

const arn = 'arn:aws:sns:eu-central-1:123456789012:order-placed'

it.each([
  ['orders.placed', false, 'orders-placed', false],
  ['orders', true, 'orders.fifo', true],
  ['orders.fifo', false, 'orders.fifo', true],
  ['orders.fifo', true, 'orders.fifo', true],
  [arn, false, 'order-placed', false],
  [`${arn}.fifo`, false, 'order-placed.fifo', true],
])('takes %s (fifo %s) for topic %s', (name, fifo, physical, isFifo) => {
  expect(topicOf(name, fifo)).toMatchObject({ name: physical, fifo: isFifo })
})

it('knows a topic by its ARN, and its subscriptions by its name', () => {
  expect(topicOf(arn, false)).toMatchObject({ arn, region: 'eu-central-1' })
  expect(addressOf(topicOf(arn, false))).toBe(`topic ${arn}`)
  expect(addressOf(topicOf('orders', true))).toBe('topic orders.fifo')
  expect(subscriptionName(topicOf(`${arn}.fifo`, false), 'billing')).toBe('order-placed.billing')
})

it.each([
  ['x'.repeat(256), false, undefined],
  ['x'.repeat(257), false, '1 to 256'],
  ['x'.repeat(252), true, '1 to 256'],
  ['with space', false, '1 to 256'],
  ['', false, '1 to 256'],
  [arn, true, 'a FIFO topic is asked for'],
  ['arn:aws:sns:us-east-1:123456789012:order-placed', false, 'in the region us-east-1'],
])('checks the name %s (fifo %s): %s', (name, fifo, problem) => {
  const found = nameProblem(endpoint({ name }), topicOf(name, fifo), 'eu-central-1')
  expect(found).toEqual(problem === undefined ? undefined : expect.stringContaining(problem))
})
