import { loadEverything } from '../lazy.ts'

/** Lets everything that waits in the microtask queue happen; parts that are loaded on demand are there, however long that takes. */
export async function turns(): Promise<void> {
  await loadEverything()
  await new Promise((resolve) => setImmediate(resolve))
}
