import { aggregate, deaggregate, type UserRecord } from '@busbar/kinesis'
import { aggregate as aggregateByOthers, deaggregateSync } from 'aws-kinesis-agg'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'

// The library of Amazon's for Node.js. It lists keys that look like array indexes before all others, and takes a record without an explicit hash key for one with the
// first of the table: so keys are no such numbers here, and of one aggregated record either all or no records have an explicit hash key.

const key = fc.string({ minLength: 1, maxLength: 256, unit: 'grapheme' }).map((text) => `k${text}`.slice(0, 256).toWellFormed())
const hashKey = fc.bigInt({ min: 1n << 32n, max: (1n << 128n) - 1n }).map(String)
const data = fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(Buffer.from(bytes)))

function records(explicit: boolean): fc.Arbitrary<readonly UserRecord[]> {
  const record = explicit ? fc.record({ partitionKey: key, explicitHashKey: hashKey, data }) : fc.record({ partitionKey: key, data })
  return fc.array(record, { minLength: 1, maxLength: 200, size: 'max' })
}

const batches = fc.boolean().chain((explicit) => records(explicit))
const sequenceNumber = '49590338271490256608559692538361571095921575989136588898'

function readByOthers(container: Uint8Array): unknown {
  let read: unknown
  const payload = {
    data: Buffer.from(container).toString('base64'),
    partitionKey: 'a',
    sequenceNumber,
    kinesisSchemaVersion: '1.0',
    approximateArrivalTimestamp: 0,
  }
  deaggregateSync(payload, true, (error, userRecords) => {
    if (error as unknown) throw error
    read = userRecords
  })
  return read
}

function writtenByOthers(given: readonly UserRecord[]): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    aggregateByOthers(
      given.map((record) => ({ ...record, data: Buffer.from(record.data) })),
      ({ data: container }, done) => {
        resolve(container)
        done()
      },
      () => undefined,
      reject,
    )
  })
}

function plain(given: readonly UserRecord[]): unknown {
  return given.map(({ data: bytes, ...keys }) => ({ ...keys, data: Buffer.from(bytes).toString('hex') }))
}

describe('aggregated records', () => {
  it('come back as they went in, whatever they hold', () => {
    fc.assert(
      fc.property(batches, (given) => {
        const read = deaggregate(aggregate(given))
        expect(read.form === 'aggregated' && plain(read.records)).toEqual(plain(given))
      }),
      { numRuns: 100 },
    )
  })

  it('are read by aws-kinesis-agg, with sub-sequence numbers from 0', () => {
    fc.assert(
      fc.property(batches, (given) => {
        expect(readByOthers(aggregate(given))).toEqual(
          given.map(({ partitionKey, explicitHashKey, data: bytes }, subSequenceNumber) => ({
            partitionKey,
            explicitPartitionKey: explicitHashKey,
            sequenceNumber,
            subSequenceNumber,
            data: Buffer.from(bytes).toString('base64'),
          })),
        )
      }),
      { numRuns: 100 },
    )
  })

  it('are read here when aws-kinesis-agg wrote them', async () => {
    await fc.assert(
      fc.asyncProperty(batches, async (given) => {
        const read = deaggregate(await writtenByOthers(given))
        expect(read.form === 'aggregated' && plain(read.records)).toEqual(plain(given))
      }),
      { numRuns: 100 },
    )
  })

  it('are the same bytes as those of aws-kinesis-agg', async () => {
    const given = ['a', 'b', 'a'].map((partitionKey, index) => ({ partitionKey, data: Uint8Array.of(index) }))
    expect(Buffer.from(aggregate(given)).toString('hex')).toBe(Buffer.from(await writtenByOthers(given)).toString('hex'))
  })

  it('survive any damage: what is read is plain, with a suspicion or without', () => {
    fc.assert(
      fc.property(batches, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, place, change) => {
        const damaged = Buffer.from(aggregate(given))
        const index = place % damaged.length
        damaged[index] = (damaged[index] as number) ^ change
        expect(deaggregate(damaged).form).toBe('plain')
      }),
      { numRuns: 100 },
    )
  })

  it('are told from bytes of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const withMagic = Buffer.concat([Buffer.from('f3899ac2', 'hex'), bytes])
        expect(deaggregate(bytes).form).toBe('plain')
        expect(deaggregate(withMagic).form).toBe('plain')
      }),
      { numRuns: 100 },
    )
  })
})
