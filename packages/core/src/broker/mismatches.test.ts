import { expect, it } from 'vitest'
import type { Change } from '../driver/topology.ts'
import { differenceError } from './mismatches.ts'

const missing = (resource: string, kind: Change['kind'] = 'create', text: string = `Create the ${resource}.`): Change & { readonly driver: string } => ({
  driver: 'amqp',
  resource,
  kind,
  text,
  permission: `configure on ${resource}`,
})

it('tells what differs by numbers alone in one line, and everything else by itself', () => {
  const partitions = [0, 1, 2, 3, 10].map((number) => missing(`queue orders.p${number}`))
  const { code, message } = differenceError([...partitions, missing('queue orders.members'), missing('queue a.1'), missing('queue a.2')], 'verify')
  expect(code).toBe('ERR_NOT_FOUND')
  expect(message.split('\n').slice(1, -1)).toEqual([
    '- queue orders.p0 and 4 more like it, up to queue orders.p10, on amqp (create): Create the queue orders.p0. (needs configure on queue orders.p0)',
    '- queue orders.members on amqp (create): Create the queue orders.members. (needs configure on queue orders.members)',
    '- queue a.1 on amqp (create): Create the queue a.1. (needs configure on queue a.1)',
    '- queue a.2 on amqp (create): Create the queue a.2. (needs configure on queue a.2)',
  ])
})

it('tells each conflict, and apart what is missing for another reason or is another name', () => {
  const conflicts = [1, 2, 3].map((number) => missing(`queue q.${number}`, 'conflict', 'It is a classic queue.'))
  const others = ['queue order1', 'queue order2', 'queue order3', 'queue shop1', 'queue shop2', 'queue shop3'].map((name) => missing(name))
  const { code, message } = differenceError([...conflicts, ...others], 'create')
  expect(code).toBe('ERR_CONFLICT')
  expect(message.split('\n').slice(1, -1)).toHaveLength(9)
})
