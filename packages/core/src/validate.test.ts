import { describe, expect, it } from 'vitest'
import { isBrokerError } from './errors.ts'
import type { SchemaIssue, SchemaResult, StandardSchema } from './standard-schema.ts'
import { validate } from './validate.ts'

function schema<Output>(run: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>): StandardSchema<unknown, Output> {
  return { '~standard': { version: 1, vendor: 'test', validate: run } }
}

async function refusal(issues: readonly SchemaIssue[], value: unknown = {}): Promise<string> {
  try {
    await validate(
      schema(() => ({ issues })),
      value,
    )
  } catch (error) {
    expect(isBrokerError(error) && error.code).toBe('ERR_INVALID')
    return (error as Error).message
  }
  throw new Error('accepted')
}

describe('validate', () => {
  it('answers at once where the schema does', () => {
    expect(
      validate(
        schema((value) => ({ value: Number(value) })),
        '5',
      ),
    ).toBe(5)
  })

  it('answers later where the schema does', async () => {
    await expect(
      validate(
        schema(async (value) => ({ value })),
        'x',
      ),
    ).resolves.toBe('x')
    await expect(
      validate(
        schema(async () => ({ issues: [{ message: 'no' }] })),
        'x',
      ),
    ).rejects.toMatchObject({ code: 'ERR_INVALID', retryable: false, message: 'invalid body: no' })
  })

  it('lists paths and messages, whatever the form of the path', async () => {
    const issues = [{ message: 'Required', path: ['items', 0, { key: 'sku' }] }, { message: 'Too small', path: ['total'] }, { message: 'Odd' }]
    expect(await refusal(issues)).toBe('invalid body: items.0.sku: Required; total: Too small; Odd')
  })

  it('says something where the schema says nothing', async () => {
    expect(await refusal([])).toBe('invalid body: refused by the schema')
  })

  it('is at most 1 KiB long, and says how much is left out', async () => {
    const many = Array.from({ length: 500 }, (_, index) => ({ message: `Issue number ${index}`, path: ['items', index] }))
    const text = (await refusal(many)).replace('invalid body: ', '')
    expect(text.length).toBeLessThanOrEqual(1024)
    const listed = text.split('; ').length - 1
    expect(text).toMatch(new RegExp(`; and ${500 - listed} more$`))
    const long = (await refusal([{ message: 'x'.repeat(5000) }])).replace('invalid body: ', '')
    expect(long.length).toBeLessThanOrEqual(1024)
    expect(long.endsWith('…')).toBe(true)
  })

  it.each([
    [{ card: '4111111111111111' }, 'Expected number but received "4111111111111111"', 'Expected number but received (value)'],
    [{ card: "it's" }, "must be a number (was 'it's')", 'must be a number (was (value))'],
    [{ card: 'abcd' }, 'abcd is not a number', '(value) is not a number'],
    [{ card: 'ab' }, 'must be absent, not "ab"', 'must be absent, not (value)'],
    [{ card: 42 }, 'must be less than 10 (was 42)', 'must be less than 10 (was (value))'],
    [{ card: 1 }, 'must be at least 10 (was 1)', 'must be at least 10 (was (value))'],
    [{ card: -1.5 }, 'Expected >0 but received -1.5', 'Expected >0 but received (value)'],
    [{ card: true }, 'Expected string but received true', 'Expected string but received true'],
  ])('does not repeat the value of %j', async (value, message, expected) => {
    expect(await refusal([{ message, path: ['card'] }], value)).toBe(`invalid body: card: ${expected}`)
  })
})
