import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { expect, it } from 'vitest'
import { readClaim } from './claim-item.ts'

const item: Readonly<Record<string, AttributeValue>> = {
  slot: { S: 'claims-1' },
  claimKey: { S: '=a' },
  kind: { S: 'busy' },
  fence: { N: '7' },
  endsAt: { N: '1767225600000' },
  lastsMs: { N: '30000' },
  claimant: { S: 'o' },
}

it('reads a claim', () => {
  expect(readClaim(item)).toEqual({ key: 'a', kind: 'busy', fence: 7, endsAt: 1_767_225_600_000, lastsMs: 30_000, claimant: 'o' })
})

it.each<[string, AttributeValue]>([
  ['kind', { S: 'other' }],
  ['fence', { S: '7' }],
  ['fence', { N: '9007199254740993' }],
  ['endsAt', { N: '1e300' }],
  ['lastsMs', { N: 'soon' }],
  ['lastsMs', { N: '1e300' }],
])('refuses an item whose %s is %j', (name, value) => {
  expect(() => readClaim({ ...item, [name]: value })).toThrow('an item of the table is not a claim')
})
