import { describe, expect, it } from 'vitest'
import { capabilitiesOf } from './capabilities.ts'
import { fillingOf } from './filling.ts'
import { incomingOf } from './message/incoming.ts'
import { publicationOf, sizeOf, type Form } from './message/outgoing.ts'
import { addressOf, sessionsOf } from './names.ts'
import { resolveOptions } from './options.ts'
import { resolveRouteOptions } from './route-options.ts'
import { templateOf } from './templates.ts'
import { endpoint, outgoing } from './test-support/messages.ts'

const five = resolveOptions({ url: 'mqtt://localhost', clientId: 'svc' })
const four = resolveOptions({ url: 'mqtt://localhost', clientId: 'svc', protocolVersion: 4 })
const positions = endpoint({ kind: 'topic', name: 'trucks/{truckId}/position', parameters: ['truckId'] })
const ofTenant = endpoint({ kind: 'topic', name: '{tenant}/{app}/x', parameters: ['tenant', 'app'] })

function formOf(source = positions, options = five): Form {
  return { topic: source.name, filling: fillingOf(source, options), protocolVersion: options.protocolVersion, envelope: false, qos: 1, retain: false }
}

function topicOf(parameters: Readonly<Record<string, string>> | undefined, source = positions, options = five): string {
  return publicationOf(outgoing({ parameters }), formOf(source, options)).topic
}

describe('sending to an address template', () => {
  it('publishes to the filled topic, which counts with its bytes', () => {
    expect(topicOf({ truckId: '42' })).toBe('trucks/42/position')
    expect(topicOf({ truckId: 'ä *>{}%' })).toBe('trucks/ä *>{}%/position')
    const bytes = (truckId: string): number => sizeOf(outgoing({ parameters: { truckId } }), formOf())
    expect(bytes('ä'.repeat(10)) - bytes('')).toBe(20)
  })

  it.each([
    undefined,
    {},
    { truckId: 'a/b' },
    { truckId: '+' },
    { truckId: '#' },
    { truckId: '\0' },
    { truckId: '\uD800' },
    { truckId: 'a\n' },
    { truckId: '\uFFFF' },
  ])('refuses %j, and counts its bytes all the same', (parameters) => {
    expect(() => topicOf(parameters)).toThrow(expect.objectContaining({ code: 'ERR_INVALID', messageId: 'm-1' }))
    expect(sizeOf(outgoing({ parameters }), formOf())).toBeGreaterThan(0)
  })

  it('takes topics of up to 65,535 bytes', () => {
    const around = 'trucks//position'.length
    expect(topicOf({ truckId: 'x'.repeat(65_535 - around) })).toHaveLength(65_535)
    expect(() => topicOf({ truckId: 'x'.repeat(65_536 - around) })).toThrow('longer than 65,535 bytes')
  })

  it('sends to no topic that belongs to the broker, or to the notes', () => {
    expect(() => topicOf({ tenant: '$SYS', app: 'a' }, ofTenant)).toThrow('begins with $')
    expect(topicOf({ tenant: 'a', app: '$SYS' }, ofTenant)).toBe('a/$SYS/x')
    expect(() => topicOf({ tenant: 'busbar', app: 'replies' }, ofTenant)).toThrow("belong to the driver's notes")
  })

  // ActiveMQ: a list of topics, options, and what it trims.
  it.each([' ', 'a,b', 'a?x=y', ' a'])('with MQTT 3.1.1 refuses %j', (tenant) => {
    expect(() => topicOf({ tenant, app: 'a' }, ofTenant, four)).toThrow('ActiveMQ')
    expect(topicOf({ tenant, app: 'a' }, ofTenant)).toBe(`${tenant}/a/x`)
  })
})

describe('receiving from an address template', () => {
  it('subscribes with a wildcard for every parameter that is not fixed', () => {
    const filterOf = (parameters?: Readonly<Record<string, string>>) =>
      sessionsOf({ ...positions, subscription: { name: 'map', ...(parameters ? { parameters } : {}) } }, five, 1)[0]?.filter
    expect(filterOf()).toBe('trucks/+/position')
    expect(filterOf({ truckId: '42' })).toBe('trucks/42/position')
  })

  it('finds the parameters in the topic, as they came', () => {
    const packet = { topic: 'trucks//position', payload: Buffer.from('x'), qos: 1, dup: false, retain: false } as const
    expect({ ...incomingOf(packet, false, templateOf(positions)).parameters }).toEqual({ truckId: '' })
    expect(incomingOf(packet, false).parameters).toBeUndefined()
  })

  it('is one place, whatever its parameters are called', () => {
    expect(addressOf(positions)).toBe(addressOf({ ...positions, name: 'trucks/{id}/position', parameters: ['id'] }))
  })
})

describe('the capabilities of an address template', () => {
  const claim = (given: typeof positions, options = five) => capabilitiesOf(given, options, resolveRouteOptions(given, options))

  it('keep the order of keys, and not that of all topics', () => {
    expect(claim(positions)).toMatchObject({ addressTemplates: 'native', ordering: 'key', keyHold: 'process' })
  })

  it('refuse what reads or writes the notes', () => {
    const named = (name: string, parameters: readonly string[]) => claim({ ...positions, name, parameters, subscription: { name: 'map' } })
    expect(named('busbar/{x}', ['x'])).toMatchObject({ refused: expect.stringContaining("driver's notes") as string })
    expect(named('{a}/{b}/{c}/0', ['a', 'b', 'c'])).toMatchObject({ refused: expect.stringContaining('busbar/sessions/+/+') as string })
    expect(named('{a}/replies/{b}', ['a', 'b'])).toMatchObject({ refused: expect.stringContaining('busbar/replies/+') as string })
    expect(named('{a}/orders', ['a'])).not.toHaveProperty('refused')
  })

  it('refuse a place for dead letters whose letters would come back', () => {
    const letters = (name: string) => claim(endpoint({ name, deadLettersOf: { ...positions, subscription: { name: 'map' } } }))
    expect(letters('trucks/dead/position')).toMatchObject({ refused: expect.stringContaining('would come back') as string })
    expect(letters('trucks.truckId.position.map.dead')).not.toHaveProperty('refused')
  })

  it('refuse fixed values that the broker does not take', () => {
    const fixing = (truckId: string, options = five) => claim({ ...positions, subscription: { name: 'map', parameters: { truckId } } }, options)
    expect(fixing('a\n')).toHaveProperty('refused')
    expect(fixing('a,b', four)).toHaveProperty('refused')
    expect(fixing('a,b')).not.toHaveProperty('refused')
  })
})
