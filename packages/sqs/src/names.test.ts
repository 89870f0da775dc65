import { expect, it } from 'vitest'
import { addressOf, nameProblem, queueOf } from './names.ts'
import { endpoint } from './test-support/fake-sqs.ts'

it.each([
  ['orders', false, 'orders', false],
  ['orders.dead', false, 'orders-dead', false],
  ['orders', true, 'orders.fifo', true],
  ['orders.fifo', false, 'orders.fifo', true],
  ['prod.orders.fifo', true, 'prod-orders.fifo', true],
  ['orders.fifo.dead', false, 'orders-fifo-dead', false],
])('the name %s with fifo %s is the queue %s', (name, fifo, physical, isFifo) => {
  expect(queueOf(name, fifo)).toEqual({ name: physical, account: undefined, region: undefined, fifo: isFifo })
})

it('takes queue URLs and ARNs, which may name queues of other accounts', () => {
  const queue = { name: 'orders', account: '123456789012', region: 'eu-central-1', fifo: false }
  expect(queueOf('arn:aws:sqs:eu-central-1:123456789012:orders', false)).toEqual(queue)
  expect(queueOf('https://sqs.eu-central-1.amazonaws.com/123456789012/orders', false)).toEqual(queue)
  expect(queueOf('http://localhost:4566/000000000000/orders.fifo', false)).toMatchObject({ name: 'orders.fifo', region: undefined, fifo: true })
  expect(addressOf(queue)).toBe('queue eu-central-1:123456789012:orders')
})

it.each([
  ['o'.repeat(81), undefined, '1 to 80'],
  ['with space', undefined, 'letters'],
  ['ünder', undefined, 'letters'],
  ['', undefined, 'letters'],
  ['busbar-reply-1', undefined, 'reply queues'],
  ['arn:aws:sqs:eu-west-1:123456789012:orders', 'eu-central-1', 'is in the region eu-west-1'],
])('says what is wrong with %s', (name, region, text) => {
  expect(nameProblem(endpoint({ name }), queueOf(name, false), region)).toContain(text)
})

it('counts .fifo in the length of a name', () => {
  expect(nameProblem(endpoint(), queueOf('o'.repeat(75), true), undefined)).toBeUndefined()
  expect(nameProblem(endpoint(), queueOf('o'.repeat(76), true), undefined)).toContain('1 to 80')
})
