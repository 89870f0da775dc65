import { expect, it } from 'vitest'
import { Samples } from '../engine/sample.ts'
import type { Adapter } from './adapter.ts'
import { sharedRows } from './shared-rows.ts'
import { clientsOf, leftBy, nameOf, targetsOf, withoutPeers, type Entry } from './shared.ts'

const size = { warmup: 100, messages: 900 }
const adapter: Adapter = {
  title: 'SQS',
  verb: 'send',
  raw: 'sdk',
  clients: { busbar: { program: 'busbar-sqs' }, sdk: { program: 'raw-sqs' } },
  work: { inFlight: 1, concurrency: 1 },
  place: () => Promise.reject(new Error('not here')),
}

it('names a scenario after its adapter, its shape and what sets it apart', () => {
  expect(nameOf(adapter, { shape: 'oneByOne', size })).toBe('SQS, send one by one')
  expect(nameOf(adapter, { shape: 'consumeWorking', suffix: ', 10 ms away', size })).toBe('SQS, consume, 5 ms, 10 ms away')
  expect(nameOf(adapter, { shape: 'hold', size: { warmup: 0, messages: 1_000_000 } })).toBe('SQS, 1,000,000 waiting')
})

it('compares Busbar with the raw client and with peers, unless it is told otherwise', () => {
  const entry: Entry = { shape: 'atLoad', size, peers: ['peer'], reported: ['other'] }
  expect(clientsOf(adapter, entry)).toEqual(['busbar', 'sdk', 'peer', 'other'])
  expect(targetsOf(entry).map(({ text }) => text)).toEqual(['low ≥ 0.97, CPU ≤ 1.15', 'ahead of peers'])
  expect(clientsOf(adapter, withoutPeers(entry))).toEqual(['busbar', 'sdk'])
  expect(targetsOf(withoutPeers(entry)).map(({ text }) => text)).toEqual(['low ≥ 0.97, CPU ≤ 1.15'])
  expect(targetsOf({ ...entry, targets: [] })).toEqual([])
  expect(targetsOf({ shape: 'hotStrict', size }).map(({ text }) => text)).toEqual(['low ≥ 0.97, CPU ≤ 1.15'])
})

it('knows what the server must have in the end', () => {
  expect(leftBy('send at load', size, 0)).toEqual({ exactly: 1_000 })
  expect(leftBy('consume', size, 0)).toEqual({ exactly: 0 })
  expect(leftBy('hold', size, 0)).toEqual({ exactly: 1_000 })
  expect(leftBy('drain', size, 300)).toEqual({ atLeast: 700 })
})

it('takes what Busbar adds to latency inside each round', () => {
  const samples = samplesOf('SQS, latency at half load', 'p99', { busbar: [3, 30, 5], sdk: [2.5, 29.2, 2] })
  const rows = sharedRows(adapter, [{ shape: 'latency', size }], samples, 500)
  const added = rows.find(({ subject, target }) => subject === 'added to sdk' && target !== null)
  expect(added).toMatchObject({ scenario: 'SQS, latency at half load, p99', value: expect.closeTo(0.8, 9), met: true, withinGate: true })
  expect(rows.find(({ subject, scenario }) => subject === 'busbar' && scenario.endsWith('p99'))?.value).toBe(5)
})

it('misses the latency target by more than a millisecond, and the gate by far more', () => {
  const added = (ms: number): unknown => {
    const samples = samplesOf('SQS, latency at half load', 'p99', { busbar: [ms, ms], sdk: [0, 0] })
    const { met, withinGate } = sharedRows(adapter, [{ shape: 'latency', size }], samples, 500).find(({ target }) => target !== null) ?? {}
    return { met, withinGate }
  }
  expect(added(1)).toEqual({ met: true, withinGate: true })
  expect(added(1.1)).toEqual({ met: false, withinGate: true })
  expect(added(11)).toEqual({ met: false, withinGate: false })
})

it('misses the latency target, and the gate, when Busbar or the raw client kept no pace', () => {
  const added = (busbar: number, sdk: number): unknown => {
    const samples = samplesOf('SQS, latency at half load', 'p99', { busbar: [busbar, busbar, 2], sdk: [sdk, sdk, 2] })
    const { met, withinGate } = sharedRows(adapter, [{ shape: 'latency', size }], samples, 500).find(({ target }) => target !== null) ?? {}
    return { met, withinGate }
  }
  expect(added(2, 2)).toEqual({ met: true, withinGate: true })
  for (const [busbar, sdk] of [
    [2, Infinity],
    [Infinity, 2],
    [Infinity, Infinity],
  ] as const)
    expect(added(busbar, sdk)).toEqual({ met: false, withinGate: false })
})

it('leaves out rounds in which neither kept pace', () => {
  const samples = samplesOf('SQS, latency at half load', 'p99', { busbar: [8, Infinity, 2.1, 2.2, 9], sdk: [2, Infinity, 2, 2, 2] })
  const rows = sharedRows(adapter, [{ shape: 'latency', size }], samples, 500)
  expect(rows.find(({ target }) => target !== null)).toMatchObject({ value: expect.closeTo(3.1, 9), met: false, withinGate: true })
})

it('asks that a drain is over soon, of Busbar alone', () => {
  const samples = samplesOf('SQS, drain, 5 ms', 'drainMs', { busbar: [40, 60, 45], sdk: [90, 90, 90] })
  const rows = sharedRows(adapter, [{ shape: 'drain', size }], samples, 0)
  expect(rows.map(({ subject, value, met }) => [subject, value, met])).toEqual([
    ['busbar', 45, true],
    ['sdk', 90, null],
    ['added to sdk', -45, null],
  ])
})

it('asks that what is held does not grow with what waits', () => {
  const mebibyte = 2 ** 20
  const [few, many] = [10_000, 1_000_000].map((messages) => ({ shape: 'hold', size: { warmup: 0, messages } }) as const)
  const growth = (bytes: number): boolean | null | undefined => {
    const samples = samplesOf('SQS, 10,000 waiting', 'heldBytes', { busbar: [3 * mebibyte], sdk: [mebibyte] })
    samples.add('SQS, 1,000,000 waiting', 'busbar', 0, { ...sample, numbers: { heldBytes: 3 * mebibyte + bytes } })
    return sharedRows(adapter, [few!, many!], samples, 0).find(({ target }) => target !== null)?.met
  }
  expect(growth(mebibyte / 2)).toBe(true)
  expect(growth(2 * mebibyte)).toBe(false)
})

const sample = { messages: 1, seconds: 1, cpuMicros: 1 }

function samplesOf(scenario: string, figure: string, values: Readonly<Record<string, readonly number[]>>): Samples {
  const samples = new Samples()
  for (const [client, all] of Object.entries(values)) {
    for (const [round, value] of all.entries()) samples.add(scenario, client, round, { ...sample, numbers: { [figure]: value } })
  }
  return samples
}
