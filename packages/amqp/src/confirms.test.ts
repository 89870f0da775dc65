import { amqpError } from './errors.ts'
import { Batch, Confirms, type Publication } from './confirms.ts'
import { expect, it } from 'vitest'

function batchOf(confirms: Confirms, ...ids: string[]): Batch {
  return batchWith('unknown', confirms, ...ids)
}

function batchWith(refusal: Publication['refusal'], confirms: Confirms, ...ids: string[]): Batch {
  const publication: Publication = { size: ids.length, refusal, idOf: (index) => ids[index], bytesOf: () => 1, publish: () => undefined }
  const batch = new Batch(publication)
  for (const index of ids.keys()) confirms.add(batch, index)
  return batch
}

const unroutable = amqpError('ERR_UNROUTABLE', 'no queue')

it('settles batches by single and multiple confirms in any order', async () => {
  const confirms = new Confirms()
  const [first, second] = [batchOf(confirms, 'a', 'b', 'c'), batchOf(confirms, 'd', 'e')]
  confirms.acked(5, false)
  confirms.acked(2, false)
  confirms.nacked(4, false, amqpError('ERR_UNAVAILABLE', 'full'))
  expect(await second.done).toMatchObject([{ ok: false, stored: 'unknown' }, { ok: true }])
  expect(confirms.open).toBe(5)
  confirms.acked(3, true)
  expect(await first.done).toEqual([{ ok: true }, { ok: true }, { ok: true }])
  expect(confirms.open).toBe(0)
})

it('says of a refused message that it was not stored where that is so', async () => {
  const confirms = new Confirms()
  const [sure, unsure] = [batchWith('no', confirms, 'a', 'b'), batchOf(confirms, 'c')]
  confirms.nacked(1, false, amqpError('ERR_UNAVAILABLE', 'full'))
  confirms.acked(2, false)
  confirms.nacked(3, false, amqpError('ERR_UNAVAILABLE', 'full'))
  expect(await sure.done).toMatchObject([{ ok: false, stored: 'no' }, { ok: true }])
  expect(await unsure.done).toMatchObject([{ ok: false, stored: 'unknown' }])
})

it('ignores confirms that it has seen or never asked for', async () => {
  const confirms = new Confirms()
  const batch = batchOf(confirms, 'a', 'b')
  confirms.acked(1, false)
  confirms.acked(1, false)
  confirms.acked(9, true)
  expect(confirms.open).toBe(1)
  confirms.acked(2, true)
  expect(await batch.done).toEqual([{ ok: true }, { ok: true }])
})

it('keeps count beyond its first size, and after many rounds', async () => {
  const confirms = new Confirms()
  for (let round = 0, tag = 0; round < 5; round++) {
    const ids = Array.from({ length: 3_000 }, (_, index) => String(index))
    const batch = batchOf(confirms, ...ids)
    for (let index = 0; index < 2_999; index++) confirms.acked(tag + index + 1, false)
    tag += 3_000
    confirms.acked(tag, true)
    expect((await batch.done).every((result) => result.ok)).toBe(true)
    expect(confirms.open).toBe(0)
  }
})

it('fails a returned message although its confirm follows', async () => {
  const confirms = new Confirms()
  const batch = batchOf(confirms, 'a', 'b')
  confirms.returned('b', unroutable)
  confirms.acked(2, true)
  expect(await batch.done).toEqual([{ ok: true }, { ok: false, error: unroutable, stored: 'no' }])
})

it('reports none of several messages with one id as stored when one of them was returned', async () => {
  const confirms = new Confirms()
  const batch = batchOf(confirms, 'a', 'a', 'b')
  confirms.returned('a', unroutable)
  confirms.acked(3, true)
  expect((await batch.done).map((result) => result.ok || result.stored)).toEqual(['unknown', 'unknown', true])
})

it('reports nothing as stored that may be what was returned, when none has the id that came back', async () => {
  const confirms = new Confirms()
  const before = batchOf(confirms, 'a')
  confirms.acked(1, false)
  // Sent as it could be written: half of a surrogate pair has no UTF-8.
  const batch = batchOf(confirms, '\ud800', 'b')
  confirms.returned('\ufffd', unroutable)
  confirms.acked(3, true)
  expect(await before.done).toEqual([{ ok: true }])
  expect((await batch.done).map((result) => result.ok || result.stored)).toEqual(['unknown', 'unknown'])
})

it('answers unknown for what is open when the channel goes', async () => {
  const confirms = new Confirms()
  const batch = batchOf(confirms, 'a', 'b', 'c')
  confirms.acked(2, false)
  const error = amqpError('ERR_UNCONFIRMED', 'lost')
  confirms.lost((publication, index) => ({ ok: false, error: publication.idOf(index) === 'c' ? unroutable : error, stored: 'unknown' }))
  expect(await batch.done).toEqual([{ ok: false, error, stored: 'unknown' }, { ok: true }, { ok: false, error: unroutable, stored: 'unknown' }])
  confirms.acked(3, true)
  expect(confirms.open).toBe(0)
})
