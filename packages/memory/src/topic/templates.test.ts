import { describe, expect, it } from 'vitest'
import { profileNames } from '../profiles/profile.ts'
import { kit } from '../test-support/kit.ts'

const trucks = { kind: 'topic', name: 'trucks/{truckId}/position', parameters: ['truckId'] } as const
const positions = { ...trucks, subscription: { name: 'map' } }

describe.each(['full', 'mqtt'] as const)('a topic with parameters (%s)', (profile) => {
  it('gives a message to who takes its address, with what stands in the place of the parameters', async () => {
    const { send, consume, endpoint, clock } = await kit({ profile })
    const map = await consume({ endpoint: endpoint(positions) })
    // Another program may call the parameters as it likes: the addresses are the same.
    const other = await consume({ endpoint: endpoint({ ...trucks, name: 'trucks/{id}/position', parameters: ['id'], subscription: { name: 'other' } }) })
    const one = await consume({ endpoint: endpoint({ ...trucks, subscription: { name: 'one', parameters: { truckId: '42' } } }) })
    await send(
      [
        { id: 'a', parameters: { truckId: '42' } },
        { id: 'b', parameters: { truckId: '' } },
      ],
      endpoint(trucks),
    )
    await clock.advance(0)
    expect(map.intake.deliveries.map(({ incoming }) => ({ ...incoming.parameters }))).toEqual([{ truckId: '42' }, { truckId: '' }])
    expect(other.intake.deliveries.map(({ incoming }) => ({ ...incoming.parameters }))).toEqual([{ id: '42' }, { id: '' }])
    expect(one.intake.take()).toEqual(['a'])
  })

  it.each([undefined, {}, { truckId: 'a/b' }, { truckId: '+' }, { truckId: '#' }, { truckId: '\0' }, { truckId: '\uD800' }, { truckId: 'x'.repeat(65_535) }])(
    'refuses what %j would fill',
    async (parameters) => {
      const { send, consume, endpoint, clock } = await kit({ profile })
      const map = await consume({ endpoint: endpoint(positions) })
      expect(await send([{ id: 'a', parameters }], endpoint(trucks))).toMatchObject([{ ok: false, stored: 'no', error: { code: 'ERR_INVALID' } }])
      await clock.advance(0)
      expect(map.intake.take()).toEqual([])
    },
  )

  it('has no parameters where it has no template', async () => {
    const { send, consume, clock } = await kit({ profile })
    const consumer = await consume()
    await send([{ id: 'a', parameters: { truckId: '42' } }])
    await clock.advance(0)
    expect(consumer.last('a').incoming.parameters).toBeUndefined()
  })

  it('is one place, whatever its parameters are called', async () => {
    const { driver, endpoint } = await kit({ profile })
    expect(driver.address(endpoint(trucks))).toBe(driver.address(endpoint({ ...trucks, name: 'trucks/{id}/position', parameters: ['id'] })))
  })
})

it.each(profileNames.filter((profile) => profile !== 'full' && profile !== 'mqtt'))('%s has no address templates', async (profile) => {
  const { driver, endpoint } = await kit({ profile })
  expect(driver.capabilities(endpoint(trucks))).toMatchObject({ remedy: expect.stringContaining('headerFilter') as string })
})
