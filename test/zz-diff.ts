import { memoryStore } from '../packages/memory/src/store/memory-store.ts'
import { memoryStore as old } from './zz-old/memory-store.ts'
import { seededRandom, virtualClock } from '@busbar/memory'
import { deepStrictEqual } from 'node:assert'
for (let seed = 1; seed <= 12; seed++) {
  const random = seededRandom(seed), below = (n: number) => Math.floor(random() * n)
  const clock = virtualClock({ auto: false })
  const a = memoryStore({ clock }), b = old({ clock })
  const keys = seed % 3 === 0 ? 30_000 : seed % 3 === 1 ? 5 : 300
  const held: any[] = []
  const counts: Record<string, number> = {}
  for (let step = 0; step < 150_000; step++) {
    const key = 'k' + below(keys), owner = 'o' + below(3)
    let x: any, y: any
    const op = below(10)
    const claim = held.length && below(4) ? held[below(Math.min(held.length, 50))] : { key, owner, fence: below(50) }
    if (op < 5) { const r = { key, owner, leaseMs: 1 + below(200) }; x = a.claim(r); y = b.claim(r); if (x.state === 'claimed') { held.unshift({ key, owner, fence: x.fence }); if (held.length > 60) held.pop() } }
    else if (op === 5) { const ms = 1 + below(200); const cs = [claim, { key, owner, fence: below(9) }]; x = a.renew(cs, ms); y = b.renew(cs, ms) }
    else if (op < 8) { const v = 'v' + below(100), ttl = 1 + below(seed % 2 ? 20_000 : 500); x = a.complete(claim, v, ttl); y = b.complete(claim, v, ttl) }
    else if (op === 8) { x = a.release(claim); y = b.release(claim) }
    else if (step % 500 === 9 || keys < 10) { const o = { limit: 1 + below(50), ...(below(2) ? { cursor: 'k' + below(keys) } : {}) }; x = a.scan('k' + (below(2) ? '' : below(10)), o); y = undefined; y = b.scan('k', o); x = a.scan('k', o) }
    deepStrictEqual(x, y)
    const tag = typeof x === 'string' ? x : x?.state ?? 'x'; counts[tag] = (counts[tag] ?? 0) + 1
    if (below(keys > 1000 ? 20 : 3) === 0) clock.tick(below(40))
  }
  console.log(seed, keys, JSON.stringify(counts), a.size, b.size)
}
