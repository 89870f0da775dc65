import type { BodyStore } from '@busbar/middleware'

/** Keeps bodies in `bodies`, which a test may look at. */
export function memoryBodyStore(bodies: Map<string, Uint8Array> = new Map()): BodyStore {
  return {
    put: (key, body) => void bodies.set(key, body),
    get: (key) => bodies.get(key),
    delete: (key) => void bodies.delete(key),
  }
}
