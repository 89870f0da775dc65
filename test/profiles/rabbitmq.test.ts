import { amqp } from '@busbar/amqp'
import type { Capabilities, Endpoint } from '@busbar/core/driver'
import { memory } from '@busbar/memory'
import { describe, expect, it } from 'vitest'

const driver = amqp({ url: 'amqp://localhost' })
const profile = memory({ profile: 'rabbitmq' })

/** Where the profile says something else than the driver, on purpose. */
const intended: Readonly<Record<string, { readonly reason: string; readonly driver: unknown; readonly profile: unknown }>> = {
  'stats.ready': { reason: 'counts of the simulator do not lag, so that tests need not wait for them', driver: 'approximate', profile: 'exact' },
}

const names: Readonly<Record<string, string>> = {
  short: 'orders',
  dotted: 'a.b%c.'.repeat(17),
  'long for delays': 'q'.repeat(198),
  'at the limit of delays': 'q'.repeat(197),
}

const kinds: Readonly<Record<string, Partial<Endpoint>>> = {
  queue: {},
  'queue with keys': { keyed: true },
  topic: { kind: 'topic' },
  'topic with keys': { kind: 'topic', keyed: true },
  subscription: { kind: 'topic', subscription: { name: 'audit' } },
  'subscription with keys': { kind: 'topic', keyed: true, subscription: { name: 'audit' } },
}

function endpoint(more: Partial<Endpoint>): Endpoint {
  return { destination: 'orders', kind: 'queue', name: 'orders', keyed: false, maxAttempts: 3, options: {}, ...more }
}

/** `lease.maxHoldMs`: 5, and so on. */
function fieldsOf(value: object, path: string = ''): readonly (readonly [string, unknown])[] {
  return Object.entries(value).flatMap(([name, field]: [string, unknown]) =>
    typeof field === 'object' && field !== null ? fieldsOf(field, `${path}${name}.`) : [[path + name, field] as const],
  )
}

/** Every field in which the two differ, as `field: driver / profile`. */
function differences(of: Endpoint): readonly string[] {
  const [ours, theirs] = [profile, driver].map((one) => new Map(fieldsOf(one.capabilities(of)))) as [Map<string, unknown>, Map<string, unknown>]
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .filter((field) => ours.get(field) !== theirs.get(field))
    .filter((field) => theirs.get(field) !== intended[field]?.driver || ours.get(field) !== intended[field]?.profile)
    .map((field) => `${field}: ${String(theirs.get(field))} / ${String(ours.get(field))}`)
}

describe.each(Object.entries(names))('under a name that is %s', (_, name) => {
  it.each(Object.entries(kinds))('the profile claims of a %s what the driver claims', (_kind, parts) => {
    for (const deadLetterName of [undefined, 'orders.dead'])
      expect(differences(endpoint({ ...parts, name, ...(deadLetterName !== undefined && { deadLetterName }) }))).toEqual([])
  })
})

it.each([
  { tier: ['gold'] },
  { tier: ['gold', 'silver'], region: [{ exists: true }] },
  { tier: [{ exists: false }] },
  { tier: [{ prefix: 'g' }] },
  { tier: ['gold', { 'anything-but': ['lead'] }] },
  { 'content-encoding': ['gzip'] },
  { a: Array.from({ length: 8 }, String), b: Array.from({ length: 8 }, String) },
  { a: Array.from({ length: 8 }, String), b: Array.from({ length: 9 }, String) },
] as const)('the profile filters by %j where the driver does', (headerFilter) => {
  const subscription = endpoint({ kind: 'topic', subscription: { name: 'audit', headerFilter } })
  expect(differences(subscription)).toEqual([])
  expect((profile.capabilities(subscription) as Capabilities).headerFilter).toMatch(/^(native|none)$/)
})

it.each([
  { kind: 'stream' },
  { name: '' },
  { name: 'amq.mine' },
  { name: 'busbar.mine' },
  { name: 'q'.repeat(256) },
  { name: 'q'.repeat(245), keyed: true },
  { kind: 'topic', name: 'x'.repeat(200), subscription: { name: 's'.repeat(38) } },
] as const)('both refuse %j', (parts) => {
  expect([driver, profile].map((one) => 'refused' in one.capabilities(endpoint(parts)))).toEqual([true, true])
})

it.each([
  { name: 'q'.repeat(255) },
  { name: 'q'.repeat(244), keyed: true },
  { kind: 'topic', name: 'x'.repeat(200), subscription: { name: 's'.repeat(37) } },
] as const)('both take %j', (parts) => {
  expect([driver, profile].map((one) => 'refused' in one.capabilities(endpoint(parts)))).toEqual([false, false])
  expect(differences(endpoint(parts))).toEqual([])
})

it('lists no intended difference that is none', () => {
  const found = Object.values(kinds).flatMap((parts) => {
    const theirs = new Map(fieldsOf(driver.capabilities(endpoint(parts))))
    return fieldsOf(profile.capabilities(endpoint(parts))).flatMap(([field, value]) => (theirs.get(field) === value ? [] : [field]))
  })
  expect(new Set(found)).toEqual(new Set(Object.keys(intended)))
})
