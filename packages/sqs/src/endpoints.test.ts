import { afterEach, expect, it, vi } from 'vitest'
import { sqs } from './sqs-driver.ts'
import { endpoint, FakeSqs, outgoing } from './test-support/fake-sqs.ts'
import type { Services } from '@busbar/core/driver'

afterEach(() => vi.unstubAllEnvs())

const { clock } = new FakeSqs()
const services: Services = { clock, random: Math.random, log: () => undefined, meter: () => undefined }
const credentials = { accessKeyId: 'a', secretAccessKey: 's' }
const never = new AbortController().signal

it('sends nothing in clear text to an endpoint that the environment names, unless that is allowed', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_SQS', 'http://sqs.example.invalid')
  const link = await sqs({ region: 'eu-central-1', credentials }).connect(services, never)
  const refused = { code: 'ERR_CONFIGURATION', retryable: false, message: expect.stringContaining('clear text') }
  await expect(link.inspect(endpoint(), never)).rejects.toMatchObject(refused)
  expect(await link.sender(endpoint()).send([outgoing()], never)).toMatchObject([{ ok: false, stored: 'no', error: refused }])
  await link.close()
  const allowed = await sqs({ region: 'eu-central-1', credentials, allowPlaintext: true }).connect(services, never)
  await expect(allowed.inspect(endpoint(), never)).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  await allowed.close()
})
