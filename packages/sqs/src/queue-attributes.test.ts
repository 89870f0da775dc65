import { expect, it } from 'vitest'
import { redrivePolicyOf } from './queue-attributes.ts'

it.each(['5', 5])('reads a redrive policy whose count is written as %j', (maxReceiveCount) => {
  const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: 'arn:dead', maxReceiveCount })
  expect(redrivePolicyOf({ RedrivePolicy })).toEqual({ deadLetterTargetArn: 'arn:dead', maxReceiveCount: 5 })
})

it.each(['not JSON', '{}', ...['0', '-1', '1.5', '1e300', 'null'].map((count) => `{"deadLetterTargetArn":"arn:dead","maxReceiveCount":${count}}`)])(
  'refuses what is none: %s',
  (RedrivePolicy) => {
    expect(() => redrivePolicyOf({ RedrivePolicy, QueueArn: 'arn:q' })).toThrow('the RedrivePolicy of arn:q cannot be read')
  },
)

it('is none where nothing is said', () => {
  expect([redrivePolicyOf({}), redrivePolicyOf({ RedrivePolicy: '' })]).toEqual([undefined, undefined])
})
