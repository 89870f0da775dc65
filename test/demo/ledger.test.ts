import { describe, expect, it } from 'vitest'
import { Ledger, type Verdict } from './ledger.ts'

/** Sends `ids` to `orders` with one key, and confirms them. */
function ledgerOf(...ids: string[]): Ledger {
  const ledger = new Ledger()
  for (const id of ids) send(ledger, id)
  return ledger
}

function send(ledger: Ledger, id: string, key?: string): void {
  ledger.sending(id, ['orders'], key ?? 'truck-1')
  ledger.confirmed(id, ['orders'])
}

function handle(ledger: Ledger, ...ids: string[]): Verdict {
  for (const id of ids) ledger.effect('orders', id)
  return ledger.verdict()
}

const clean = { lost: [], outOfOrder: [], doubled: [], unseen: [], unexpected: [] }

describe('the ledger', () => {
  it('finds nothing wrong with what was handled once and in order', () => {
    const verdict = handle(ledgerOf('a', 'b', 'c'), 'a', 'b', 'c')
    expect(verdict).toMatchObject({ sent: 3, handled: 3, deadLettered: 0, suppressed: 0, ...clean })
    expect(verdict.sources).toEqual([{ source: 'orders', owed: 3, handled: 3, deadLettered: 0, suppressed: 0 }])
  })

  it('finds what was confirmed and never handled', () => {
    expect(handle(ledgerOf('a', 'b', 'c'), 'a', 'c')).toMatchObject({ handled: 2, lost: ['orders b'], outOfOrder: [] })
  })

  it('owes nothing for what was never confirmed, handled or not', () => {
    const ledger = ledgerOf('a')
    ledger.sending('b', ['orders'], 'truck-1')
    ledger.sending('c', ['orders'], 'truck-1')
    expect(handle(ledger, 'a', 'c')).toMatchObject({ sent: 1, handled: 2, ...clean })
  })

  it('finds what was handled after something sent later with its key', () => {
    expect(handle(ledgerOf('a', 'b', 'c', 'd'), 'b', 'a', 'd', 'c').outOfOrder).toEqual(['orders a', 'orders c'])
    expect(handle(ledgerOf('a', 'b', 'c'), 'c', 'a', 'b').outOfOrder).toEqual(['orders a', 'orders b'])
  })

  it('knows no order between keys, and none without keys', () => {
    const keyed = new Ledger()
    send(keyed, 'a', 'truck-1')
    send(keyed, 'b', 'truck-2')
    expect(handle(keyed, 'b', 'a').outOfOrder).toEqual([])
    const plain = new Ledger()
    for (const id of ['a', 'b']) plain.sending(id, ['orders'])
    expect(handle(plain, 'b', 'a').outOfOrder).toEqual([])
  })

  it('knows each source of its own: the order of one says nothing about another', () => {
    const ledger = new Ledger()
    for (const id of ['a', 'b']) {
      ledger.sending(id, ['left', 'right'], 'k')
      ledger.confirmed(id, ['left', 'right'])
    }
    for (const [source, id] of [
      ['left', 'a'],
      ['right', 'b'],
      ['left', 'b'],
      ['right', 'a'],
    ] as const)
      ledger.effect(source, id)
    expect(ledger.verdict()).toMatchObject({ sent: 2, handled: 4, lost: [], outOfOrder: ['right a'] })
  })

  it('takes the first place of a repeated id, and counts as suppressed what was', () => {
    const ledger = ledgerOf('a', 'b', 'a', 'b')
    ledger.suppressed('orders', 'b')
    ledger.suppressed('orders', 'a')
    expect(handle(ledger, 'a', 'b')).toMatchObject({ sent: 4, handled: 2, suppressed: 2, ...clean })
    expect(handle(ledgerOf('a'), 'a').suppressed).toBe(0)
  })

  it('finds a copy of which nothing was seen, neither suppressed nor acked unhandled', () => {
    const ledger = ledgerOf('a', 'a', 'b', 'b')
    for (const id of ['a', 'b', 'b', 'c']) ledger.acked('orders', id)
    ledger.acked('elsewhere', 'a')
    expect(handle(ledger, 'a', 'b')).toMatchObject({ ...clean, suppressed: 0, unseen: ['orders a'] })
    ledger.acked('orders', 'a')
    expect(ledger.verdict()).toMatchObject(clean)
  })

  it('finds a second effect, and does not call it suppressed', () => {
    expect(handle(ledgerOf('a', 'a', 'b'), 'a', 'b', 'a')).toMatchObject({ handled: 2, suppressed: 0, doubled: ['orders a'], unseen: [], outOfOrder: [] })
    expect(handle(ledgerOf('a'), 'a', 'a').doubled).toEqual(['orders a'])
  })

  it('finds what nobody sent there', () => {
    const ledger = ledgerOf('a')
    ledger.gaveUp('orders', 'y')
    ledger.effect('elsewhere', 'a')
    ledger.suppressed('orders', 'z')
    expect(handle(ledger, 'a', 'x').unexpected).toEqual(['orders y', 'orders z', 'orders x', 'elsewhere a'])
  })

  it('counts dead letters as neither lost nor handled, and their key goes on', () => {
    const ledger = ledgerOf('a', 'b', 'c')
    ledger.gaveUp('orders', 'b')
    ledger.gaveUp('orders', 'b')
    expect(handle(ledger, 'a', 'c')).toMatchObject({ handled: 2, deadLettered: 1, ...clean })
  })

  it('owes a revived message again, and lets it come late', () => {
    const ledger = ledgerOf('a', 'b', 'c')
    ledger.gaveUp('orders', 'a')
    expect(ledger.open).toBe(2)
    ledger.revived('orders', 'a')
    expect(ledger.open).toBe(3)
    expect(handle(ledger, 'b', 'c')).toMatchObject({ deadLettered: 0, lost: ['orders a'] })
    expect(handle(ledger, 'a')).toMatchObject({ handled: 3, ...clean })
    expect(ledger.open).toBe(0)
  })

  it('finds what is both handled and dead', () => {
    const ledger = ledgerOf('a')
    ledger.gaveUp('orders', 'a')
    expect(handle(ledger, 'a').unexpected).toEqual(['orders a'])
  })

  it('refuses to book what cannot be', () => {
    const ledger = ledgerOf('a')
    expect(() => ledger.confirmed('b', ['orders'])).toThrow('orders b is confirmed and was never sent')
    expect(() => ledger.revived('orders', 'a')).toThrow('orders a is revived and was not dead-lettered')
  })
})
