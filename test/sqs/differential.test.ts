import type { Driver, Endpoint } from '@busbar/core/driver'
import { memory } from '@busbar/memory'
import { sqs } from '@busbar/sqs'
import * as fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { startAwsWire } from '../brokers/aws-wire/index.ts'
import { startFauxqs } from '../brokers/fauxqs.ts'
import { tracedRun, type Planned, type Trace } from './support/traced-run.ts'

const wire = await startAwsWire()
const fauxqs = await startFauxqs()
afterAll(async () => {
  await wire[Symbol.asyncDispose]()
  await fauxqs[Symbol.asyncDispose]()
})

const overWire = ({ endpoint, region, credentials }: Pick<typeof fauxqs, 'endpoint' | 'region' | 'credentials'>): Driver =>
  sqs({ endpoint, region, credentials, waitTimeMs: 1_000, visibilityTimeoutMs: 20_000 })

const beds = {
  memory: (fifo: boolean): Driver => memory({ profile: fifo ? 'sqs-fifo' : 'sqs-standard' }),
  wire: (): Driver => overWire(wire),
  fauxqs: (): Driver => overWire(fauxqs),
}
type Bed = keyof typeof beds

let queues = 0

/** The same on all three at once. */
async function everywhere(fifo: boolean, plan: readonly Planned[]): Promise<Record<Bed, Trace>> {
  const name = `differential-${++queues}${fifo ? '.fifo' : ''}`
  const endpoint: Endpoint = { destination: name, kind: 'queue', name, keyed: fifo, maxAttempts: 0, options: {} }
  const run = (bed: Bed): Promise<Trace> => tracedRun(beds[bed](fifo), endpoint, plan)
  const [memoryTrace, wireTrace, fauxqsTrace] = await Promise.all([run('memory'), run('wire'), run('fauxqs')])
  return { memory: memoryTrace, wire: wireTrace, fauxqs: fauxqsTrace }
}

/** The emulator refuses what is above, see below. */
const text = fc.string({ unit: fc.integer({ min: 0, max: 0xd7_ff }).map((code) => String.fromCodePoint(code)), maxLength: 40 })

function plans(fifo: boolean): fc.Arbitrary<Planned[]> {
  const message: fc.Arbitrary<Planned> = fc.record({
    key: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined, freq: 4 }),
    body: fc.oneof(text, fc.uint8Array({ maxLength: 40 })),
    headers: fc.dictionary(fc.constantFrom(...Array.from({ length: 12 }, (_, index) => `h-${index}`)), text),
    delayMs: fifo ? fc.constant(0) : fc.constantFrom(0, 0, 0, 1_000),
    fates: fc.array(fc.constantFrom('again', 'again', 'back', 'back', 'later'), { maxLength: 2 }),
  })
  return fc.array(message, { minLength: 24, maxLength: 24 })
}

/** Bounded: two plans a kind. A failure names its seed. */
const runs = { numRuns: 2, endOnFailure: true, seed: 20_261_126 }

describe.concurrent.each([false, true])('the driver on the memory profile, on it over the wire, and on fauxqs (FIFO: %s)', (fifo) => {
  it('handles the same random work in the same way', async () => {
    await fc.assert(
      fc.asyncProperty(plans(fifo), async (plan) => {
        const { memory: expected, wire: simulated, fauxqs: emulated } = await everywhere(fifo, plan)
        const comparable = ({ lines, messages, refused, left, counted }: Trace): object => ({ lines, messages, refused, left, ...(!fifo && { counted }) })
        expect(comparable(simulated)).toEqual(comparable(expected))
        expect(comparable(emulated)).toEqual(comparable(expected))
        expect(Object.keys(expected.counted)).toHaveLength(plan.length)
      }),
      runs,
    )
  }, 40_000)
})

const plain = { key: undefined, headers: {}, delayMs: 0, fates: [] } as const

describe('what differs, and the fact that decides', () => {
  it('several messages of a group in one receive, as the service was recorded to give them: giving back what is behind a failed one counts. fauxqs gives one', async () => {
    const traces = await everywhere(true, [
      { ...plain, key: 'a', body: '1', fates: ['again'] },
      { ...plain, key: 'a', body: '2' },
      { ...plain, key: 'a', body: '3' },
    ])
    expect(traces.memory.counted).toEqual({ 0: 2, 1: 2, 2: 2 })
    expect(traces.wire.counted).toEqual(traces.memory.counted)
    expect(traces.fauxqs.counted).toEqual({ 0: 2, 1: 1, 2: 1 })
    expect(traces.fauxqs.lines).toEqual(traces.memory.lines)
  })

  it('bodies with characters above U+FFFF, which the API reference of SQS allows: fauxqs refuses them', async () => {
    const traces = await everywhere(false, [
      { ...plain, body: '🚌' },
      { ...plain, body: 'plain' },
    ])
    expect([traces.memory.refused, traces.wire.refused, traces.fauxqs.refused]).toEqual([{}, {}, { 0: 'ERR_INVALID' }])
    expect(traces.wire.messages).toEqual(traces.memory.messages)
  })
})
