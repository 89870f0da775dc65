import { expect, it } from 'vitest'
import { differenceIn } from './differences.ts'

function refusal(words: string): Error {
  return new Error(`Operation failed: QueueDeclare; 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - inequivalent arg ${words}"`)
}

it.each([
  ["'x-delivery-limit' for queue 'q' in vhost '/': received '100' but current is '50'", { argument: 'x-delivery-limit', current: 50 }],
  [
    "'x-delivery-limit' for queue 'it's' in vhost '/': received the value '100' of type 'signedint' but current is none",
    { argument: 'x-delivery-limit', current: undefined },
  ],
  [
    "'x-dead-letter-strategy' for queue 'q' in vhost '/': received none but current is the value 'at-least-once' of type 'longstr'",
    { argument: 'x-dead-letter-strategy', current: 'at-least-once' },
  ],
  [
    "'x-single-active-consumer' for queue 'q' in vhost '/': received none but current is the value 'true' of type 'bool'",
    { argument: 'x-single-active-consumer', current: true },
  ],
  ["'durable' for queue 'q' in vhost '/': received 'true' but current is 'false'", { argument: 'durable', current: false }],
  ["'alternate-exchange' for exchange 'm' in vhost '/': received 'm=16' but current is 'm=8'", { argument: 'alternate-exchange', current: 'm=8' }],
])('reads: inequivalent arg %s', (words, difference) => {
  expect(differenceIn(refusal(words))).toEqual(difference)
})

it('reads nothing into other refusals', () => {
  expect(differenceIn(new Error('406 something else'))).toBeUndefined()
})
