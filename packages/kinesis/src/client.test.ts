import type { Services } from '@busbar/core/driver'
import { afterEach, expect, it, vi } from 'vitest'
import { kinesis } from './kinesis-driver.ts'
import { endpoint, FakeKinesis } from './test-support/fake-kinesis.ts'

afterEach(() => vi.unstubAllEnvs())

const { clock } = new FakeKinesis()
const services: Services = { clock, random: Math.random, log: () => undefined, meter: () => undefined }
const given = { region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 's' } }
const never = new AbortController().signal

it('sends nothing in clear text to an endpoint that the environment names, unless that is allowed', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_KINESIS', 'http://kinesis.example.invalid')
  const link = await kinesis(given).connect(services, never)
  await expect(link.inspect(endpoint(), never)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringContaining('clear text') })
  await link.close()
  const allowed = await kinesis({ ...given, allowPlaintext: true }).connect(services, never)
  await expect(allowed.inspect(endpoint(), never)).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  await allowed.close()
})
