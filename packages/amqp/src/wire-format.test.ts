import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { contentOf, publishOptions } from './message-mapping.ts'
import { outgoing } from './test-support/outgoing.ts'

/** What amqplib does with the options of a message, which it does not export. */
interface Definitions {
  readonly BasicProperties: number
  encodeProperties(id: number, channel: number, size: number, fields: object): Buffer
}
interface Arguments {
  publish(exchange: string, routingKey: string, options: object): object
}

const require = createRequire(import.meta.url)
const inside = (file: string): unknown => require(join(dirname(require.resolve('amqplib')), 'lib', file))
const definitions = inside('defs.js') as Definitions
const fieldsOf = inside('api_args.js') as Arguments

const page = readFileSync(new URL('../../../docs/reference/wire-format.md', import.meta.url), 'utf8')
const shown = page.split('\n## AMQP 0-9-1\n')[1]?.split('```text\n')[1]?.split('\n```', 1)[0] ?? ''

/** Bytes that are shown for a frame's payload: lines of nothing but pairs of digits. */
function bytesOf(part: string): Buffer {
  const lines = part.split('\n').filter((line) => /^ +[\da-f]{2}( [\da-f]{2})*$/.test(line))
  return Buffer.from(lines.join('').replaceAll(' ', ''), 'hex')
}

it('a message has the properties, headers and bytes that docs/reference/wire-format.md shows', () => {
  const [properties = '', body = ''] = shown.split('\nbody ')
  const message = {
    ...outgoing,
    id: 'm-1',
    key: 'truck-7',
    timestamp: 1_767_225_600_123,
    headers: { tenant: 'acme' },
    contentType: 'application/json',
    body: '{"truckId":"truck-7"}',
  }
  const content = contentOf(message.body)
  // Type, channel and size before it, the end mark after it.
  const payload = definitions
    .encodeProperties(definitions.BasicProperties, 1, content.length, fieldsOf.publish('', 'trucks', publishOptions(message, true)))
    .subarray(7, -1)
  expect(bytesOf(properties).toString('hex')).toBe(payload.toString('hex'))
  expect(bytesOf(body).toString('hex')).toBe(content.toString('hex'))
  expect(body.split('\n', 1)[0]?.trim()).toBe(content.toString())
})
