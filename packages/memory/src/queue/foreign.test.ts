import type { Incoming, Outgoing } from '@busbar/core/driver'
import { describe, expect, it } from 'vitest'
import { kit } from '../test-support/kit.ts'
import { profileNames } from '../profiles/profile.ts'

/** What arrives of a message of a plain client, which gives a body and headers and, to a stream, a partition key. */
async function arriving(profile: (typeof profileNames)[number], parts: Partial<Outgoing>): Promise<Incoming | undefined> {
  const { consume, endpoint, sender, clock } = await kit({ profile })
  const kind = profile === 'sns' ? 'topic' : 'queue'
  const to = endpoint({ kind, keyed: false })
  const consumer = await consume({ endpoint: kind === 'topic' ? endpoint({ kind, keyed: false, subscription: { name: 's' } }) : to })
  const foreign = { body: 'from outside', bodyBytes: 12, attempt: 0, ...(profile === 'kinesis' && { key: 'foreign' }), ...parts } as unknown as Outgoing
  expect(await sender(to).send([foreign], new AbortController().signal)).toMatchObject([{ ok: true }])
  await clock.advance(0)
  return consumer.intake.deliveries[0]?.incoming
}

describe.each(profileNames)('a message of a plain client (%s)', (profile) => {
  it('has itself for what its client has sent, by which it is known again where it has no id', async () => {
    expect(await arriving(profile, { headers: { tenant: 'acme' } })).toMatchObject({
      id: undefined,
      native: { body: 'from outside', headers: { tenant: 'acme' } },
    })
  })

  it.each([
    '',
    'not json',
    '[]',
    '{"v":"1","i":"x"}',
    '{"v":99,"i":"x","a":7}',
    '{"v":1,"a":-5,"s":"yesterday","i":7,"r":{},"to":[1]}',
    '{"v":1,"a":1e999}',
    `{"v":1,"i":"${'x'.repeat(5_000)}"}`,
  ])('with malformed or newer metadata is delivered with its body and without fields: %.40s', async (busbar) => {
    const incoming = await arriving(profile, { headers: { busbar, tenant: 'acme' } })
    expect(incoming).toMatchObject({ body: 'from outside', attempt: 0, headers: { tenant: 'acme' } })
    expect(incoming?.headers).not.toHaveProperty('busbar')
    expect([incoming?.id, incoming?.type, incoming?.timestamp, incoming?.correlationId, incoming?.replyTo]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('with metadata of ours has its fields, unless the broker has them natively', async () => {
    const busbar = '{"v":1,"i":"m-1","t":"order","c":"text/plain","s":5,"k":"k","a":2,"r":"c","to":"here"}'
    expect(await arriving(profile, { headers: { busbar } })).toMatchObject({
      id: 'm-1',
      type: 'order',
      contentType: 'text/plain',
      timestamp: 5,
      key: profile === 'kinesis' ? 'foreign' : 'k',
      attempt: 2,
      correlationId: 'c',
      replyTo: 'here',
    })
    expect(await arriving(profile, { id: 'native', attempt: 1, key: 'native', headers: { busbar } })).toMatchObject({ id: 'native', attempt: 1, key: 'native' })
  })
})
