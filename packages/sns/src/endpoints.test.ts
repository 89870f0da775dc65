import { systemClock } from '@busbar/core'
import type { Services } from '@busbar/core/driver'
import { afterEach, expect, it, vi } from 'vitest'
import { sns } from './sns-driver.ts'
import { endpoint, subscribed } from './test-support/endpoint.ts'

afterEach(() => vi.unstubAllEnvs())

const services: Services = { clock: systemClock, random: Math.random, log: () => undefined, meter: () => undefined }
const given = { region: 'eu-central-1', accountId: '123456789012', credentials: { accessKeyId: 'a', secretAccessKey: 's' } }
const never = new AbortController().signal

it.each(['SNS', 'SQS'])('sends nothing in clear text to an endpoint of %s that the environment names, unless that is allowed', async (service) => {
  vi.stubEnv(`AWS_ENDPOINT_URL_${service}`, 'http://aws.example.invalid')
  const asked = service === 'SNS' ? endpoint() : subscribed()
  const link = await sns(given).connect(services, never)
  await expect(link.inspect(asked, never)).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringContaining('clear text') })
  await link.close()
  const allowed = await sns({ ...given, allowPlaintext: true }).connect(services, never)
  await expect(allowed.inspect(asked, never)).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  await allowed.close()
})
