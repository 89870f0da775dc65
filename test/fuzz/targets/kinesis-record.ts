import { hash } from 'node:crypto'
import type { _Record as NativeRecord } from '@aws-sdk/client-kinesis'
import type { LeaseStore, StoredClaim } from '@busbar/core/driver'
import { aggregate, deaggregate, type UserRecord } from '@busbar/kinesis'
import { formatPosition, incomingOf, LeaseTable, parseCheckpoint, Place, shardRecordsOf } from '@busbar/kinesis/decoders'
import { expected, first, incoming as incomingProblem, isCount, optionalText } from '../checks.ts'
import type { Draw } from '../draw.ts'
import { bytesLike, jsonLike, optional, textLike } from '../inputs.ts'
import { anyText } from '../mutate/text.ts'
import { standingClock } from '../standing-clock.ts'
import { target, withCode } from '../target.ts'
import { envelope } from './headers.ts'

const data = (text: string): Buffer => Buffer.from(text)
const aggregates = [
  aggregate([{ partitionKey: 'truck-7', data: data('{"a":1}') }]),
  aggregate([
    { partitionKey: 'a', explicitHashKey: '1', data: data('x') },
    { partitionKey: 'b', data: data('') },
    { partitionKey: 'a', explicitHashKey: '340282366920938463463374607431768211455', data: data('y') },
  ]),
]
const changedAggregate = bytesLike(aggregates)
const digestBytes = 16
const whole = { start: 0n, end: (1n << 128n) - 1n }
const sequence = textLike(['49590338271490256608559692538361571095921575989136588898', '0'])
const checkpoint = textLike(['horizon', 'latest', 'time 1767225600000', 'at 49590338271490256608559692538361', 'after 495903382714902:7', 'after 1'])
const origin = jsonLike([
  { from: 'horizon' },
  { from: 'time', timestamp: 1_767_225_600_000 },
  { from: 'latest', at: 1, open: ['shardId-1'] },
  { from: 'position', position: '495:7', shard: 'shardId-1', timestamp: 1 },
])

/** Records of any producer, and what the workers of a group leave in the store of leases. */
export const kinesisTargets = [
  target({
    name: 'kinesis-aggregate',
    generate: aggregated,
    decode: deaggregate,
    problem: (read) => {
      if (read.form === 'plain') return optionalText('suspicion', read.suspicion)
      return read.form === 'corrupt' ? expected(typeof read.reason === 'string', 'the reason is', read.reason) : first(...read.records.map(userRecord))
    },
  }),
  target({
    name: 'kinesis-record',
    generate: (draw) => ({
      native: nativeRecord(draw),
      opens: draw.chance(0.7),
      within: draw.chance(0.5) ? whole : draw.chance(0.5) ? { start: 0n, end: 1n } : undefined,
    }),
    decode: ({ native, opens, within }) =>
      new Place({ kind: 'horizon' })
        .take([native], 0)
        .records.flatMap((record) => shardRecordsOf(record, 'shardId-1', { within, onOddity: () => undefined }))
        .map((record) => incomingOf(record, formatPosition(record), opens)),
    problem: (messages) => first(...messages.map(incomingProblem)),
    mayThrow: withCode('ERR_UNAVAILABLE'),
  }),
  target({
    name: 'kinesis-checkpoint',
    generate: checkpoint,
    decode: (text) => parseCheckpoint('shardId-1', text),
    problem: (found) => {
      if (found.kind === 'time') return expected(isCount(found.timestamp), 'the time is', found.timestamp)
      if (found.kind !== 'after') return expected(found.kind === 'horizon' || found.kind === 'latest', 'the kind is', found)
      const { sequence, subSequence = 0 } = found.position
      return expected(typeof sequence === 'bigint' && Number.isInteger(subSequence) && subSequence >= -1, 'the position is', found.position)
    },
    mayThrow: withCode('ERR_INVALID'),
  }),
  target({
    name: 'kinesis-leases',
    generate: (draw) => Array.from({ length: draw.below(5) }, () => claim(draw)),
    decode: (claims) => new LeaseTable({ store: storeOf(claims), clock: standingClock, group: 'g', leaseMs: 10_000 }).rows(),
    problem: ({ rows, generation, origin: beginning }) =>
      first(
        expected(isCount(generation), 'the generation is', generation),
        beginning && originProblem(beginning),
        ...rows.map(({ shard, worker, checkpoint, state, expiresInMs }) =>
          first(
            expected(typeof shard === 'string' && typeof worker === 'string', 'a name is no text', shard),
            optionalText('checkpoint', checkpoint),
            expected((state === 'leased' || state === 'ended') && Number.isFinite(expiresInMs), 'the state is', state),
          ),
        ),
      ),
    mayThrow: withCode('ERR_UNAVAILABLE'),
  }),
]

/** Changed, and in half of all cases with a digest that is right again. */
function aggregated(draw: Draw): Buffer {
  const bytes = changedAggregate(draw)
  if (bytes.length > 4 + digestBytes && draw.chance(0.5)) hash('md5', bytes.subarray(4, -digestBytes), 'buffer').copy(bytes, bytes.length - digestBytes)
  return bytes
}

function userRecord({ partitionKey, explicitHashKey, data }: UserRecord): string | undefined {
  return first(
    expected(typeof partitionKey === 'string' && data instanceof Uint8Array, 'a record has no key or no data', partitionKey),
    expected(explicitHashKey === undefined || /^\d+$/.test(explicitHashKey), 'the hash key is', explicitHashKey),
  )
}

function nativeRecord(draw: Draw): NativeRecord {
  return {
    SequenceNumber: draw.chance(0.9) ? '49590338271490256608559692538361571095921575989136588898' : sequence(draw),
    PartitionKey: draw.chance(0.9) ? 'truck-7' : optional(draw, () => anyText(draw)),
    Data: draw.chance(0.98) ? (draw.chance(0.5) ? envelope(draw) : aggregated(draw)) : undefined,
    ApproximateArrivalTimestamp: optional(draw, () => new Date(draw.pick([1_767_225_600_000, 1_767_225_600_123]))),
  }
}

function claim(draw: Draw): StoredClaim {
  const kind = draw.pick(['worker', 'shard', 'shard.1', 'origin', 'replay', 'shard.99999999999999999999', 'odd'])
  const key = `g/${kind}/${draw.chance(0.5) ? draw.pick(['1', '2', 'shardId-1', '']) : anyText(draw)}`
  const common = { key, fence: 1, expiresInMs: 1_000 }
  if (draw.chance(0.5)) return { ...common, state: 'done', value: draw.chance(0.9) ? origin(draw) : anyText(draw) }
  return { ...common, state: 'busy', owner: anyText(draw), ...(draw.chance(0.7) && { note: checkpoint(draw) }) }
}

function storeOf(claims: readonly StoredClaim[]): LeaseStore {
  return { scan: () => ({ claims }) } as unknown as LeaseStore
}

function originProblem(beginning: NonNullable<Awaited<ReturnType<LeaseTable['rows']>>['origin']>): string | undefined {
  switch (beginning.from) {
    case 'horizon':
      return undefined
    case 'time':
      return expected(Number.isFinite(beginning.timestamp), 'the time is', beginning.timestamp)
    case 'latest':
      return expected(Number.isFinite(beginning.at) && beginning.open.every((shard) => typeof shard === 'string'), 'the shards are', beginning.open)
    case 'position':
      return expected(
        [beginning.position, beginning.shard].every((text) => typeof text === 'string') && Number.isFinite(beginning.timestamp),
        'it begins at',
        beginning.position,
      )
  }
}
