import { describe, expect, it } from 'vitest'
import { topic } from '../definitions/topic.ts'
import { NaiveDriver } from '../test-support/naive-driver.ts'
import { createBroker } from './create-broker.ts'

const positions = topic<{ truckId: string }, 'trucks/{truckId}'>('trucks/{truckId}', { parameters: ({ truckId }) => ({ truckId }) })

describe('a topic with parameters', () => {
  it('is refused at start where the driver has no address templates, with the remedy', async () => {
    const broker = createBroker({ driver: new NaiveDriver(), destinations: [positions] })
    await expect(broker.start()).rejects.toMatchObject({
      code: 'ERR_UNSUPPORTED',
      message: expect.stringMatching(/trucks\/\{truckId\} on naive: its name has parameters.*headerFilter.*addressTemplates/) as string,
    })
  })

  it.each([
    ['a route', { routes: { 'trucks/{truckId}': { name: 'trucks' } } }],
    ['naming', { naming: () => 'trucks/{id}' }],
  ])('must keep its parameters in the name that %s gives it', (_, options) => {
    expect(() => createBroker({ driver: new NaiveDriver(), destinations: [positions], ...options })).toThrow(
      expect.objectContaining({ code: 'ERR_CONFIGURATION', message: expect.stringContaining('{truckId}') as string }),
    )
  })
})
