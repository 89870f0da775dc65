import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SendResult, Services } from '@busbar/core/driver'
import { expect, it } from 'vitest'
import { kinesis } from './kinesis-driver.ts'
import { endpoint, outgoing } from './test-support/fake-kinesis.ts'
import { ManualClock } from './test-support/manual-clock.ts'

const never = new AbortController().signal

const answers: Readonly<Record<string, unknown>> = {
  DescribeStreamSummary: { StreamDescriptionSummary: { StreamStatus: 'ACTIVE', OpenShardCount: 1 } },
  ListShards: {
    Shards: [{ ShardId: 's-0', HashKeyRange: { StartingHashKey: '0', EndingHashKey: '340282366920938463463374607431768211455' }, SequenceNumberRange: {} }],
  },
  PutRecords: { FailedRecordCount: 0, Records: [{ SequenceNumber: '1', ShardId: 's-0' }] },
}

/** A stream with a shard, and the names of the calls that arrive. */
async function service(arrived: string[]): Promise<Server> {
  const server = createServer((request, response) => {
    const name = String(request.headers['x-amz-target']).replace(/.*\./, '')
    arrived.push(name)
    request.resume().on('end', () => response.end(JSON.stringify(answers[name])))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

it.each([1, 20_000])('nothing that was given up while it waited for credentials is sent when they come, be it of %i bytes', async (bytes) => {
  const arrived: string[] = []
  const server = await service(arrived)
  const clock = new ManualClock()
  const services: Services = { clock, random: () => 0.5, log: () => undefined, meter: () => undefined }
  let come = Promise.resolve()
  // They end soon, so that they are asked for with every call.
  const credentials = async (): Promise<{ accessKeyId: string; secretAccessKey: string; expiration: Date }> => {
    await come
    return { accessKeyId: 'a', secretAccessKey: 's', expiration: new Date(Date.now() + 60_000) }
  }
  const { port } = server.address() as AddressInfo
  const driver = kinesis({ region: 'eu-central-1', endpoint: `http://127.0.0.1:${port}`, credentials, timeoutMs: 1_000 })
  const link = await driver.connect(services, never)
  const sender = link.sender(endpoint())
  const send = (): Promise<readonly SendResult[]> => sender.send([outgoing({ body: 'x'.repeat(bytes) })], never)
  expect(await send()).toMatchObject([{ ok: true }])
  const { promise, resolve } = Promise.withResolvers<void>()
  come = promise
  for (let times = 0; times < 3; times++) {
    const result = send()
    await clock.advance(1_000)
    expect(await result).toMatchObject([{ ok: false, error: { code: 'ERR_UNAVAILABLE' } }])
  }
  resolve()
  for (let times = 0; times < 3; times++) expect(await send()).toMatchObject([{ ok: true }])
  expect(arrived.filter((name) => name === 'PutRecords')).toHaveLength(4)
  await link.close()
  server.close()
})
