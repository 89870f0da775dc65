import { keyHash } from '../packages/memory/src/store/key-hash.ts'
const R = (s: string) => s
function hB(first: number, second: number) {
  return (key: string) => {
    let v0 = first, v1 = second, v2 = first ^ 0x6c796765, v3 = second ^ 0x74656463
    const n = key.length
    for (let at = 0; at < n; at += 2) {
      const word = at + 1 < n ? key.charCodeAt(at) | (key.charCodeAt(at + 1) << 16) : key.charCodeAt(at)
      v3 ^= word
      v0 = (v0 + v1) | 0; v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0; v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0; v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0; v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0; v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2; v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
    }
    v3 ^= n
    v2 ^= 0xff
    for (let r = 0; r < 4; r++) {
      v0 = (v0 + v1) | 0; v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0; v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0; v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0; v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0; v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2; v2 = (v2 << 16) | (v2 >>> 16)
    }
    return v1 ^ v3
  }
}
const scratch = Buffer.alloc(4096), words = new Int32Array(scratch.buffer, scratch.byteOffset, 1024)
function hC(first: number, second: number) {
  return (key: string) => {
    let v0 = first, v1 = second, v2 = first ^ 0x6c796765, v3 = second ^ 0x74656463
    const bytes = scratch.ucs2Write(key, 0)
    const count = (bytes + 3) >> 2
    if (bytes & 2) { scratch[bytes] = 0; scratch[bytes + 1] = 0 }
    words[count] = key.length; words[count + 1] = 0; words[count + 2] = 0; words[count + 3] = 0
    for (let at = 0; at < count + 4; at++) {
      const word = words[at]!
      v3 ^= word
      v0 = (v0 + v1) | 0; v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0; v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0; v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0; v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0; v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2; v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
    }
    return v1 ^ v3
  }
}
let s = 0; const N = 2e6, pre = 'abcdefghijklmno'
const key = (i: number) => `bench:${`${pre}-${i.toString(36)}`}`
const time = (name: string, f: (i: number) => void) => { for (let r = 0; r < 3; r++) { const t = process.cpuUsage(); for (let i = 0; i < N; i++) f(i + r * N); const c = process.cpuUsage(t); console.log(name, Math.round((c.user + c.system) * 1000 / N)) } }
const a = keyHash(1, 2), b = hB(1, 2), c = hC(1, 2)
time('none', (i) => { s += key(i).charCodeAt(2) }); time('A', (i) => { s += a(key(i)) }); time('B', (i) => { s += b(key(i)) }); time('C', (i) => { s += c(key(i)) })
