import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createBroker, queue, text, type Broker, type Queue } from '@busbar/core'
import { sqs } from '@busbar/sqs'
import { afterAll, afterEach, beforeEach, expect, it, vi } from 'vitest'
import { unique, wire } from './support/wire.ts'

const folder = mkdtempSync(join(tmpdir(), 'busbar-identity-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(() => vi.unstubAllEnvs())
beforeEach(() => {
  for (const name of ['AWS_REGION', 'AWS_DEFAULT_REGION', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE'])
    vi.stubEnv(name, undefined)
  for (const name of ['AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(name, '/nonexistent')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
})

const { endpoint, region, credentials } = wire

it('is found in the environment', async () => {
  vi.stubEnv('AWS_REGION', region)
  vi.stubEnv('AWS_ACCESS_KEY_ID', credentials.accessKeyId)
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', credentials.secretAccessKey)
  const work = queue<string>(unique('work'), { codec: text })
  await using broker = createBroker({ driver: sqs({ endpoint }), destinations: [work], provision: 'create' })
  await expectRoundTrip(broker, work)
})

it('is found in the files of a profile, for a broker that is made by configuration alone', async () => {
  const file = join(folder, 'credentials')
  writeFileSync(file, `[shop]\naws_access_key_id = ${credentials.accessKeyId}\naws_secret_access_key = ${credentials.secretAccessKey}\nregion = ${region}\n`)
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', file)
  vi.stubEnv('AWS_CONFIG_FILE', join(folder, 'none'))
  vi.stubEnv('AWS_PROFILE', 'shop')
  const work = queue<string>(unique('work'), { codec: text })
  const broker = await connect(`sqs://${region}?endpoint=${encodeURIComponent(endpoint)}`, { drivers: [sqs], destinations: [work], provision: 'create' })
  await expectRoundTrip(broker, work)
  await broker.drain()
})

it('that the service does not know is refused, without a secret in the text', async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIANOBODY')
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'do-not-print')
  await using broker = createBroker({ driver: sqs({ endpoint, region }), destinations: [queue<string>(unique('work'), { codec: text })] })
  const error: unknown = await broker.start().catch((caught: unknown) => caught)
  expect(error).toMatchObject({ code: 'ERR_ACCESS_DENIED' })
  expect(String((error as Error).stack)).not.toContain('do-not-print')
})

/** Receiving has a client of its own. */
async function expectRoundTrip(broker: Broker, work: Queue<string>): Promise<void> {
  const seen = Promise.withResolvers<string>()
  await broker.consume(work, ({ body }) => seen.resolve(body))
  await broker.producer(work).send('hello')
  expect(await seen.promise).toBe('hello')
}
