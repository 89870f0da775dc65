import type { Services } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { kinesisError } from '../errors.ts'
import { streamOf } from '../names.ts'
import type { ShardReader } from '../reading/shard-reader.ts'
import { ManualClock } from '../test-support/manual-clock.ts'
import { findPosition } from './find-position.ts'

const services: Services = { clock: new ManualClock(), random: () => 0.5, log: () => undefined, meter: () => undefined }

it('reads no shard on when one of them has failed', async () => {
  const ended: string[] = []
  const reader: ShardReader = async function* ({ shard, signal }) {
    if (shard === 'refused') throw kinesisError('ERR_ACCESS_DENIED', 'no')
    yield { records: [], millisBehindLatest: 1 }
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    ended.push(shard)
    return 'aborted'
  }
  const shards = ['throttled', 'refused', 'silent'].map((id) => ({ id, parents: [], open: true }))
  const finding = findPosition('7', shards, { api: undefined as never, services, stream: streamOf('positions'), reader })
  await expect(finding).rejects.toMatchObject({ code: 'ERR_ACCESS_DENIED' })
  await new Promise((resolve) => setImmediate(resolve))
  expect(ended).toEqual(['throttled', 'silent'])
})
