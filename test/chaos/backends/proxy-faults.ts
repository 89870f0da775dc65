import { setTimeout as pause } from 'node:timers/promises'
import type { FaultProxy } from '../../brokers/index.ts'
import type { BackendFault } from './backend.ts'

const atOnce = [0, 0] as const

/** What networks do to connections. */
export function proxyFaults(proxy: FaultProxy): readonly BackendFault[] {
  return [
    { name: 'connections cut', lastsMs: atOnce, strike: async () => proxy.cut() },
    { name: 'connections reset', lastsMs: atOnce, strike: async () => proxy.reset() },
    {
      name: 'connection cut inside a frame',
      lastsMs: atOnce,
      async strike() {
        await Promise.race([proxy.cutAfterBytes(5_000, 'up'), pause(1_000)])
      },
    },
    {
      name: 'half-open connections',
      lastsMs: [500, 4_000],
      async strike(lastsMs) {
        proxy.freeze('both')
        await pause(lastsMs)
        proxy.reset()
        proxy.thaw()
      },
    },
    {
      // What the broker does in that time it has done, and nobody is told.
      name: 'answers lost',
      lastsMs: [100, 600],
      async strike(lastsMs) {
        proxy.freeze('down')
        await pause(lastsMs)
        proxy.reset()
        proxy.thaw()
      },
    },
    {
      name: 'no connection',
      lastsMs: [300, 3_000],
      async strike(lastsMs) {
        proxy.refuse(true)
        proxy.reset()
        await pause(lastsMs)
        proxy.refuse(false)
      },
    },
    {
      name: 'latency',
      lastsMs: [500, 3_000],
      async strike(lastsMs) {
        proxy.delayMs = 60
        await pause(lastsMs)
        proxy.delayMs = 0
      },
    },
    {
      name: 'little bandwidth',
      lastsMs: [500, 3_000],
      async strike(lastsMs) {
        proxy.bytesPerSecond = 50_000
        await pause(lastsMs)
        proxy.bytesPerSecond = undefined
      },
    },
  ]
}
