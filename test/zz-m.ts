import { keyHash } from '../packages/memory/src/store/key-hash.ts'
import { memoryStore } from '../packages/memory/src/store/memory-store.ts'
import { memoryStore as old } from './zz-old/memory-store.ts'
import { systemClock } from '@busbar/core'
const h = keyHash(1, 2), N = 1e6, pre = 'abcdefghijklmno'
let s = 0
const time = (name: string, f: (i: number) => void) => { for (let r = 0; r < 3; r++) { const t = process.cpuUsage(), w = performance.now(); for (let i = 0; i < N; i++) f(i + r * N); const c = process.cpuUsage(t); console.log(name, Math.round((c.user + c.system) * 1000 / N), 'ns cpu', Math.round((performance.now() - w) * 1e6 / N), 'wall') } }
const key = (i: number) => `bench:${`${pre}-${i.toString(36)}`}`
const b = Buffer.alloc(4096)
for (const [n, make] of [...(process.argv[2] === 'new' ? [['new', memoryStore]] : [['old', old]]) as any] as const) {
  const store = make({ clock: systemClock })
  time('store ' + n, (i) => { const k = key(i), owner = `xx.${i}`; const c = store.claim({ key: k, owner, leaseMs: 30000 }) as any; store.complete({ key: k, owner, fence: c.fence }, String.fromCharCode(49, 124, 65 + (i & 31), 66, 67, 68, 69, 70, 71, 72, 73, 74, 124), 86400000) })
}
