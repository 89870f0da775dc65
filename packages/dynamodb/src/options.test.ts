import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { describe, expect, it } from 'vitest'
import { resolveOptions, type DynamoStoreOptions } from './options.ts'

describe('options', () => {
  it('have defaults', () => {
    expect(resolveOptions({})).toMatchObject({
      table: 'busbar-claims',
      timeoutMs: 5_000,
      maxParallel: 32,
      fenceMemoryMs: 600_000,
      region: undefined,
      client: undefined,
    })
  })

  it.each([
    [{ tabel: 'x' }, /unknown option 'tabel'.*table/],
    [{ table: 'a' }, /'table'/],
    [{ table: 'no spaces' }, /'table'/],
    [{ timeoutMs: 99 }, /'timeoutMs'.*100 to 60000/],
    [{ maxParallel: 0 }, /'maxParallel'/],
    [{ fenceMemoryMs: 1_000 }, /'fenceMemoryMs'/],
    [{ region: 'EU Central' }, /'region'/],
    [{ endpoint: 'dynamodb' }, /'endpoint'/],
    [{ endpoint: 'https://user:secret@host' }, /no credentials/],
    [{ endpoint: 'http://remote.example' }, /clear text/],
    [{ client: {} }, /'client'/],
    [{ client: new DynamoDBClient({}), region: 'eu-central-1' }, /'region' belongs to the client/],
  ])('refuse %j', (options, message) => {
    expect(() => resolveOptions(options as DynamoStoreOptions)).toThrow(message)
  })

  it('allow plain http on this machine, and elsewhere where it is wanted', () => {
    expect(resolveOptions({ endpoint: 'http://127.0.0.1:8000' }).endpoint).toBe('http://127.0.0.1:8000/')
    expect(resolveOptions({ endpoint: 'http://remote.example', allowPlaintext: true }).endpoint).toBe('http://remote.example/')
  })

  it('take the ARN of a table', () => {
    const table = 'arn:aws:dynamodb:eu-central-1:123456789012:table/claims'
    expect(resolveOptions({ table }).table).toBe(table)
  })
})
