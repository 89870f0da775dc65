import { expect, it } from 'vitest'
import { addressBits } from './address-bits.ts'
import { parseAddress } from './cidr.ts'

const groups = ['0', '1', 'ff', '00a', '2001', 'dB8', '12345', 'g', '', '1.2.3.4', '255.0.0.256', '01.2.3.4', '1.2.3', ']', '%1', ' ']

/** Groups in a row: zeros left out, IPv4 tails, and one too many or too few of everything. */
function anyText(draw: (below: number) => number): string {
  const parts = Array.from({ length: draw(10) }, () => groups[draw(3) === 0 ? draw(groups.length) : draw(6)] ?? '')
  const text = parts.join(draw(8) === 0 ? '.' : ':')
  return [text, text, `${text}::`, `::${text}`][draw(4)] ?? text
}

it('tells addresses from other texts as the evaluation of filters reads them', () => {
  let state = 1
  const draw = (below: number): number => (state = (state * 48_271) % 2_147_483_647) % below
  const special = [
    '::',
    '::1]?[',
    '1::2::3',
    '1:2:3:4:5:6:7::',
    '1:2:3:4:5:6:7:8::',
    '::ffff:10.0.0.1',
    '::ffff:010.0.0.1',
    '010.0.0.1',
    '10.0.0.1',
    '1.2.3.256',
  ]
  const found = new Map<number | undefined, number>()
  for (const text of [...special, ...Array.from({ length: 20_000 }, () => anyText(draw))]) {
    const bits = addressBits(text)
    found.set(bits, (found.get(bits) ?? 0) + 1)
    expect(bits, text).toBe(parseAddress(text)?.bits)
  }
  expect(Math.min(found.get(32) ?? 0, found.get(128) ?? 0, found.get(undefined) ?? 0)).toBeGreaterThan(50)
})
