export { virtualClock, type VirtualClock, type VirtualClockOptions } from './clock/virtual-clock.ts'
export { seededRandom } from './random.ts'
export { memoryStore, type MemoryStore, type MemoryStoreOptions } from './store/memory-store.ts'
