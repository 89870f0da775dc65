import { describe, expect, it } from 'vitest'
import { AddressTemplate } from './address-template.ts'

const template = new AddressTemplate('trucks/{truckId}/{part}')

describe('an address template', () => {
  it('knows its parameters, each a whole level', () => {
    expect(template.parameters).toEqual(['truckId', 'part'])
    expect(new AddressTemplate('trucks').parameters).toEqual([])
    expect(new AddressTemplate('truck-{id}/x').parameters).toEqual([])
  })

  it('is filled, whatever else is given', () => {
    expect(template.filled({ truckId: '42', part: 'ä b', more: '/' })).toBe('trucks/42/ä b')
    expect(new AddressTemplate('{tenant}/x').filled({ tenant: 'acme' })).toBe('acme/x')
  })

  // The broker has received messages with empty levels: they are sent back there.
  it('is filled with an empty value, which is a level', () => {
    expect(template.filled({ truckId: '', part: 'x' })).toBe('trucks//x')
    expect(new AddressTemplate('{tenant}/x').filled({ tenant: '' })).toBe('/x')
  })

  it.each(['a/b', '/', '+', 'a+', '#', 'a#', '\0', '\uD800', 'a\uDC00'])('is not filled with %j', (truckId) => {
    expect(template.filled({ truckId, part: 'x' })).toBeUndefined()
  })

  it('is not filled without all of its parameters, or by what every object has', () => {
    expect(template.filled(undefined)).toBeUndefined()
    expect(template.filled({ truckId: '42' })).toBeUndefined()
    expect(template.filled({ truckId: 42, part: 'x' } as unknown as Record<string, string>)).toBeUndefined()
    expect(new AddressTemplate('a/{constructor}').filled({})).toBeUndefined()
  })

  it('finds the parameters in what it makes', () => {
    expect({ ...template.match('trucks/42/ä b') }).toEqual({ truckId: '42', part: 'ä b' })
    expect({ ...template.match('trucks//') }).toEqual({ truckId: '', part: '' })
    expect({ ...new AddressTemplate('a/{constructor}').match('a/b') }).toEqual({ constructor: 'b' })
  })

  it.each(['trucks', 'trucks/42', 'trucks/42/x/y', 'cars/42/x', '/trucks/42/x', ''])('does not make %j', (address) => {
    expect(template.match(address)).toBeUndefined()
  })

  it('is subscribed to with a wildcard in the place of what is not fixed', () => {
    expect(template.pattern('+')).toBe('trucks/+/+')
    expect(template.pattern('+', { part: 'door' })).toBe('trucks/+/door')
  })
})
