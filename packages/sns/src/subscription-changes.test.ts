import { expect, it } from 'vitest'
import { changesOf } from './subscription-changes.ts'

const wanted = (FilterPolicy: string, FilterPolicyScope = 'MessageAttributes') => ({
  label: 'placed.billing',
  topicArn: 'arn:topic',
  queueArn: 'arn:queue',
  attributes: { RawMessageDelivery: 'true', FilterPolicy, FilterPolicyScope },
  undeliveredArn: undefined,
})
const raw = { RawMessageDelivery: 'true' }

it.each([
  ['is set', {}, wanted('{"a":["b"]}'), [['FilterPolicy', '{"a":["b"]}']]],
  [
    'goes first where the scope changes, in which it may be illegal',
    { FilterPolicy: '{"a":["b"]}', FilterPolicyScope: 'MessageAttributes' },
    wanted('{"a":{"b":["c"]}}', 'MessageBody'),
    [
      ['FilterPolicy', ''],
      ['FilterPolicyScope', 'MessageBody'],
      ['FilterPolicy', '{"a":{"b":["c"]}}'],
    ],
  ],
  [
    'changes within its scope, in which nothing passes that should not',
    { FilterPolicy: '{"a":["b"]}' },
    wanted('{"a":["c"]}'),
    [['FilterPolicy', '{"a":["c"]}']],
  ],
  ['is taken away', { FilterPolicy: '{"a":["b"]}' }, wanted(''), [['FilterPolicy', '']]],
] as const)('a filter policy %s', (_what, current, { attributes, ...subscription }, set) => {
  expect(changesOf({ ...subscription, attributes }, { ...raw, ...current }).map((change) => change.set)).toEqual([set])
})

it('leaves a subscription alone that is as it should be, however its policy is written', () => {
  expect(changesOf(wanted('{"a":["b"],"c":["d"]}'), { ...raw, FilterPolicy: '{ "c": ["d"], "a": ["b"] }' })).toEqual([])
})
