import { expect, it } from 'vitest'
import { bodyBytes, buffers, numberIn, orders, texts } from './bodies.ts'
import { sqsBodies } from './subjects/sqs-subject.ts'

it('makes bodies of equal size, which tell their numbers', () => {
  for (const body of [texts(2_000)[1_234], sqsBodies(2_000)[1_234]]) {
    expect(Buffer.byteLength(body!)).toBe(bodyBytes)
    expect(numberIn(body!)).toBe(1_234)
  }
  expect(numberIn(buffers(2_000)[1_234]!)).toBe(1_234)
  expect(numberIn('00000042')).toBe(42)
  expect(JSON.stringify(orders()[7])).toHaveLength(bodyBytes)
})
