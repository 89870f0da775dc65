import { memoryStore } from '../packages/memory/src/store/memory-store.ts'
let t = 0
const store = memoryStore({ clock: { monotonic: () => t } as any })
const N = 18_000_000
const began = performance.now(); let worst = 0, last = began
for (let i = 0; i < N; i++) {
  const key = `bench:abcdefghijklmno-${i.toString(36)}`
  const c = store.claim({ key, owner: 'o', leaseMs: 30000 }) as any
  store.complete({ key, owner: 'o', fence: c.fence }, String.fromCharCode(49, 124, 65 + (i & 31), 66, 67, 68, 69, 70, 71, 72, 73, 74, 124), 1e6)
  if ((i & 63) === 0) { const now = performance.now(); worst = Math.max(worst, now - last); last = now }
}
console.log('size', store.size, 'ns each', Math.round((performance.now() - began) * 1e6 / N), 'longest pause ms', worst.toFixed(1), JSON.stringify(process.memoryUsage()))
let ok = 0; for (let i = 0; i < N; i += 997) if (store.claim({ key: `bench:abcdefghijklmno-${i.toString(36)}`, owner: 'p', leaseMs: 1 }).state === 'done') ok++
console.log('remembered', ok, 'of', Math.ceil(N / 997))
t = 2e6
for (let i = 0; i < N / 4 + 1e5; i++) store.claim({ key: `x${i % 1000}`, owner: 'o', leaseMs: 1e9 })
globalThis.gc?.(); await new Promise((r) => setTimeout(r, 200)); globalThis.gc?.()
console.log('after expiry: size', store.size, JSON.stringify(process.memoryUsage()))
