/** Lets everything that waits in the microtask queue happen. */
export function turns(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
