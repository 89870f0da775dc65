import { expect, it } from 'vitest'
import { objectionsTo, type QueueArguments } from './objections.ts'
import { noDeliveryLimit, type QueueResource } from './resources.ts'

const own = {
  'x-queue-type': 'quorum',
  'x-delivery-limit': 100,
  'x-dead-letter-exchange': '',
  'x-dead-letter-routing-key': 'q.dead',
  'x-dead-letter-strategy': 'at-least-once',
  'x-overflow': 'reject-publish',
} as const
const queue: QueueResource = { kind: 'queue', name: 'q', arguments: own, minDeliveryLimit: 30 }
const dead: QueueResource = {
  kind: 'queue',
  name: 'q.dead',
  arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': noDeliveryLimit },
  minDeliveryLimit: 0,
  anyType: true,
}

function objections(current: QueueArguments, major: number = 4): readonly string[] {
  return objectionsTo(queue, { ...own, ...current }, major)
}

it.each([
  {},
  { 'x-delivery-limit': 30 },
  { 'x-dead-letter-exchange': 'dlx', 'x-dead-letter-routing-key': 'elsewhere' },
  { 'x-max-length': 10 },
  { 'x-max-length-bytes': 10_000 },
  { 'x-queue-leader-locator': 'balanced' },
])('lives with %j', (current) => {
  expect(objections(current)).toEqual([])
})

it.each([
  [{ 'x-delivery-limit': 29 }, /is 29, and at least 30/],
  [{ 'x-delivery-limit': undefined }, /takes for 20/],
  [{ 'x-queue-type': 'classic' }, /classic queue and quorum is needed/],
  [{ 'x-queue-type': undefined }, /classic queue and quorum is needed/],
  [{ 'x-single-active-consumer': true }, /would wait for/],
  [{ 'x-dead-letter-exchange': undefined }, /no x-dead-letter-exchange/],
  [{ 'x-dead-letter-strategy': undefined }, /without x-dead-letter-strategy at-least-once/],
  [{ 'x-overflow': undefined }, /without x-overflow reject-publish/],
  [{ 'x-overflow': 'drop-head', 'x-max-length': 5 }, /x-max-length is 5 .* oldest messages are dropped/],
  [{ 'x-message-ttl': 1_000 }, /x-message-ttl is 1000, so messages leave/],
  [{ 'x-expires': 60_000 }, /x-expires is 60000/],
  [{ durable: false }, /not a durable/],
] as const)('objects to %j, with a remedy', (current, text) => {
  const found = objections(current)
  expect(found).toContainEqual(expect.stringMatching(text))
  for (const objection of found) expect(objection).toMatch(/provision again|set the route/)
})

it('says of a classic queue with a length limit that it drops', () => {
  const classic: QueueResource = { kind: 'queue', name: 'c', arguments: { 'x-queue-type': 'classic' }, minDeliveryLimit: 0 }
  expect(objectionsTo(classic, { 'x-queue-type': 'classic', 'x-max-length': 5 }, 4)).toEqual([expect.stringMatching(/oldest messages are dropped/)])
  expect(objectionsTo(classic, { 'x-queue-type': 'classic', 'x-max-length': 5, 'x-overflow': 'reject-publish-dlx' }, 4)).toEqual([])
})

it.each([
  [{ 'x-queue-type': 'quorum', 'x-delivery-limit': noDeliveryLimit }, 3],
  [{ 'x-queue-type': 'quorum', 'x-delivery-limit': noDeliveryLimit }, 4],
  [{ 'x-queue-type': 'quorum' }, 3],
  [{ 'x-queue-type': 'quorum', 'x-delivery-limit': -1 }, 4],
  [{ 'x-queue-type': 'quorum', 'x-delivery-limit': 3, 'x-dead-letter-exchange': '' }, 4],
  [{ 'x-queue-type': 'quorum', 'x-dead-letter-exchange': '' }, 4],
  [{ 'x-queue-type': 'classic' }, 4],
  [{}, 3],
] as const)('takes %j for dead letters on RabbitMQ %i', (current, major) => {
  expect(objectionsTo(dead, current as QueueArguments, major)).toEqual([])
})

it.each([
  [{ 'x-queue-type': 'quorum', 'x-delivery-limit': 3 }, 3, /is 3, and with no x-dead-letter-exchange/],
  [{ 'x-queue-type': 'quorum' }, 4, /takes for 20, and with no x-dead-letter-exchange/],
  [{ 'x-queue-type': 'quorum', 'x-delivery-limit': -1 }, 3, /is -1/],
  [{ 'x-queue-type': 'classic', 'x-max-length': 10 }, 4, /oldest messages are dropped/],
  [{ 'x-queue-type': 'stream' }, 4, /stream queue and quorum is needed; drain and delete the queue/],
] as const)('does not take %j for dead letters on RabbitMQ %i', (current, major, text) => {
  expect(objectionsTo(dead, current as QueueArguments, major)).toEqual([expect.stringMatching(text)])
})

it.each([
  [{ 'x-queue-type': 'quorum', 'x-delivery-limit': 100, 'x-dead-letter-exchange': '' }, 3, /is 100, and the route says nativeLimit: false/],
  [{ 'x-queue-type': 'quorum', 'x-dead-letter-exchange': '' }, 4, /takes for 20, and the route says/],
] as const)('does not take %j for messages that are tried until they succeed, on RabbitMQ %i', (current, major, text) => {
  const keeping: QueueResource = { ...dead, name: 'q', anyType: false, keepsAll: true }
  expect(objectionsTo(keeping, current as QueueArguments, major)).toEqual([expect.stringMatching(text)])
  expect(objectionsTo(keeping, { ...current, 'x-delivery-limit': noDeliveryLimit }, major)).toEqual([])
})
