import { createHash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { checkReceived, checkSent, hasMd5 } from './md5.ts'

const text = 'Straße 𝄞'
const right = createHash('md5').update(text).digest('hex')
const $metadata = {}

describe('bodies that were sent', () => {
  const input = { QueueUrl: 'url', Entries: [{ Id: '0', MessageBody: text }] }

  it.each([
    ['taken as they were', [{ Id: '0', MessageId: 'm', MD5OfMessageBody: right }]],
    ['refused', []],
    ['not those of the answer', [{ Id: '7', MessageId: 'm', MD5OfMessageBody: 'another' }]],
  ])('%s', (_, Successful) => {
    expect(() => checkSent(input, { $metadata, Successful, Failed: [] })).not.toThrow()
  })

  it.each([['another'], [undefined]])('of which SQS has MD5 %s', (MD5OfMessageBody) => {
    expect(() => checkSent(input, { $metadata, Successful: [{ Id: '0', MessageId: 'm', MD5OfMessageBody }], Failed: [] })).toThrow(
      'Invalid MD5 checksum on messages: m',
    )
  })
})

describe('bodies that were received', () => {
  it.each([[[{ MessageId: 'm', Body: text, MD5OfBody: right }]], [[{ MessageId: 'm', MD5OfBody: createHash('md5').digest('hex') }]], [undefined]])(
    'are those of SQS',
    (Messages) => {
      expect(() => checkReceived({ $metadata, Messages })).not.toThrow()
    },
  )

  it('and others', () => {
    const Messages = [
      { MessageId: 'm', Body: text, MD5OfBody: right },
      { MessageId: 'n', Body: 'cut', MD5OfBody: right },
    ]
    expect(() => checkReceived({ $metadata, Messages })).toThrow('Invalid MD5 checksum on messages: n')
  })
})

it('is there, but where Node must not use it', async () => {
  expect(hasMd5()).toBe(true)
  vi.resetModules()
  vi.doMock('node:crypto', () => ({
    hash: () => {
      throw new Error('error:0308010C:digital envelope routines::unsupported')
    },
  }))
  expect((await import('./md5.ts')).hasMd5()).toBe(false)
  vi.doUnmock('node:crypto')
})
