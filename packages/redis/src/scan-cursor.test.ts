import { expect, it } from 'vitest'
import { readCursor, writeCursor } from './scan-cursor.ts'

it.each([
  { node: '', cursor: '0', pending: [] },
  { node: '127.0.0.1:7000', cursor: '17592186044416', pending: ['a', 'ü😀', '"quoted"'] },
  { node: 'host:1', cursor: undefined, pending: ['last'] },
])('a position comes back from its cursor (case %#)', (position) => expect(readCursor(writeCursor(position))).toEqual(position))

it.each(['', 'x', 'bnVsbA', writeCursor({ node: '', cursor: '0', pending: [] }).slice(3)])('refuses %j', (text) =>
  expect(() => readCursor(text)).toThrow('the cursor is not one of this store'),
)
