import { afterEach, expect, it, vi } from 'vitest'
import { dynamoStore } from './dynamo-store.ts'

afterEach(() => vi.unstubAllEnvs())

const given = { region: 'eu-central-1', credentials: { accessKeyId: 'a', secretAccessKey: 's' }, timeoutMs: 1_000 }

it('sends nothing in clear text to an endpoint that the environment names, unless that is allowed', async () => {
  vi.stubEnv('AWS_ENDPOINT_URL_DYNAMODB', 'http://dynamodb.example.invalid')
  const store = dynamoStore(given)
  await expect(store.scan('', { limit: 1 })).rejects.toMatchObject({ code: 'ERR_CONFIGURATION', message: expect.stringContaining('clear text') })
  await store.close()
  const allowed = dynamoStore({ ...given, allowPlaintext: true })
  await expect(allowed.scan('', { limit: 1 })).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  await allowed.close()
})
