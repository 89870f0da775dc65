import { describe, expect, it } from 'vitest'
import { cpuMs } from '../test-support/cpu-time.ts'
import { shownIn } from '../test-support/wire-format-page.ts'
import { deadLetterForms, deadLetterHeader, packDeadLetter, unpackDeadLetter } from './header.ts'
import type { DeadLetterInfo } from './types.ts'

const info: DeadLetterInfo = {
  reason: 'attempts exhausted',
  errorName: 'TypeError',
  errorMessage: 'no such depot',
  attempts: 5,
  source: 'order-placed.billing',
  firstFailureAt: 1_767_225_600_000,
  lastFailureAt: 1_767_225_601_500,
}

// What other versions and other clients read.
const full = '{"v":1,"r":"attempts exhausted","n":"TypeError","m":"no such depot","a":5,"s":"order-placed.billing","f":1767225600000,"l":1767225601500}'
const brief = '{"v":1,"r":"attempts exhausted","a":5,"s":"order-placed.billing","f":1767225600000,"l":1767225601500}'

describe('the dead-letter header', () => {
  it('has the name that is on the wire', () => {
    expect(deadLetterHeader).toBe('busbar-dead')
  })

  it('carries why and when, byte for byte', () => {
    expect(packDeadLetter(info)).toBe(full)
    expect(unpackDeadLetter(full)).toEqual(info)
  })

  it('is what docs/reference/wire-format.md shows', () => {
    expect(shownIn('The dead-letter header')).toEqual([full])
  })

  it('keeps the parameters of the address, however long, in all forms but the shortest', () => {
    const parameters = { truckId: '\u0001'.repeat(65_000), part: 'a\u0001\uFFFF' }
    const [whole, short, shortest, ...others] = deadLetterForms({ ...info, parameters }) as [string, string, string]
    expect(others).toEqual([])
    expect(shortest).toBe(brief)
    for (const text of [whole, short]) {
      for (const illegal of ['\u0001', '\uFFFF']) expect(text).not.toContain(illegal)
      expect({ ...unpackDeadLetter(text)?.parameters }).toEqual(parameters)
    }
    expect(packDeadLetter({ ...info, parameters: { truckId: '42' } })).toBe(full.replace('}', ',"p":{"truckId":"42"}}'))
  })

  it.each(['[]', 'null', '"x"', '{"truckId":42}'])('has no parameters where they are %s', (p) => {
    expect(unpackDeadLetter(full.replace('}', `,"p":${p}}`))).toEqual(info)
  })

  it('has a shorter form, without the error', () => {
    expect(deadLetterForms(info)).toEqual([full, brief])
    expect(unpackDeadLetter(brief)).toEqual({ ...info, errorName: undefined, errorMessage: undefined })
    expect(unpackDeadLetter(deadLetterForms({ ...info, reason: 'x'.repeat(500) })[1])?.reason).toBe('x'.repeat(20))
  })

  it('stays within 1 KiB, cutting the message of the error first', () => {
    const text = packDeadLetter({ ...info, reason: 'x'.repeat(200), errorMessage: '"'.repeat(5000) })
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024)
    expect(unpackDeadLetter(text)).toMatchObject({ reason: 'x'.repeat(200), errorName: 'TypeError', attempts: 5 })
    expect(unpackDeadLetter(text)?.errorMessage).toMatch(/^"{150,}$/)
  })

  it('stays within 1 KiB whatever the texts are made of', () => {
    for (const character of ['"', '€', '汉', '😀', '\u{85}']) {
      const long = character.repeat(1000)
      const text = packDeadLetter({ ...info, reason: long, errorName: long, errorMessage: long, source: `${'t'.repeat(80)}.${'s'.repeat(80)}` })
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(1024)
      expect(unpackDeadLetter(text)?.attempts).toBe(5)
    }
  })

  it('is one line of well-formed text without credentials', () => {
    const text = packDeadLetter({ ...info, reason: 'a\r\nb\u2028c', errorMessage: 'amqp://user:secret@host/x \ud800 and https://token@host failed' })
    expect(unpackDeadLetter(text)).toMatchObject({ reason: 'a b c', errorMessage: 'amqp://***@host/x \ufffd and https://***@host failed' })
    expect(text).not.toContain('secret')
    expect(text.isWellFormed()).toBe(true)
  })

  it.each([
    ['amqp://user:p@ss@host/x', 'amqp://***@host/x'],
    ['postgres://u:a/b@h and amqps://u:#?@h:1', 'postgres://***@h and amqps://***@h:1'],
    ['connect "redis://:p@:/@ss@host" failed', 'connect "redis://***@host" failed'],
    ["no host in 'mqtt://a:b@c@d', 'mqtt://host'", "no host in 'mqtt://***@d', 'mqtt://host'"],
    ['https://host/path//and?more by a@b', 'https://host/path//and?more by a@b'],
  ])('hides what stands before the last @ of a URL: %s', (errorMessage, hidden) => {
    expect(unpackDeadLetter(packDeadLetter({ ...info, errorMessage }))?.errorMessage).toBe(hidden)
  })

  it('takes no more than linear time for what is full of slashes', () => {
    const began = cpuMs()
    packDeadLetter({ ...info, errorMessage: '//'.repeat(200_000) })
    expect(cpuMs() - began).toBeLessThan(1_000)
  })

  it.each([
    ['no header', undefined],
    ['text that is not JSON', 'dead'],
    ['null', 'null'],
    ['a newer version', full.replace('"v":1', '"v":2')],
    ['a missing field', full.replace('"a":5,', '')],
    ['a field of the wrong type', full.replace('"a":5', '"a":"5"')],
    ['more than any address needs', full.replace('exhausted', 'x'.repeat(394_234))],
    ['a number of attempts that is none', full.replace('"a":5', '"a":-1.5')],
    ['a time without end', full.replace('"f":1767225600000', '"f":1e999')],
  ])('tells nothing for %s', (_, text) => {
    expect(unpackDeadLetter(text)).toBeUndefined()
  })
})
