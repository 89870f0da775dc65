/**
 * Parts that most programs never use: loaded when they are first needed, so that bundles and cold starts stay small.
 * `import()` of a part that is loaded costs a few turns of the microtask queue.
 */
export const lazy: {
  readonly giveUp: () => Promise<typeof import('./dead-letters/give-up.ts')>
  readonly deadLetters: () => Promise<typeof import('./dead-letters/operations.ts')>
  readonly filters: () => Promise<typeof import('./filter/compile-filter.ts')>
  readonly requests: () => Promise<typeof import('./reply/send-request.ts')>
  readonly responder: () => Promise<typeof import('./reply/responder.ts')>
  readonly batches: () => Promise<typeof import('./consumer/batch-collector.ts')>
} = {
  giveUp: () => import('./dead-letters/give-up.ts'),
  deadLetters: () => import('./dead-letters/operations.ts'),
  filters: () => import('./filter/compile-filter.ts'),
  requests: () => import('./reply/send-request.ts'),
  responder: () => import('./reply/responder.ts'),
  batches: () => import('./consumer/batch-collector.ts'),
}

/** Loads all parts: under a clock of the program's own, no load may fall between two instants. */
export async function loadEverything(): Promise<void> {
  await Promise.all(Object.values(lazy).map((load) => load()))
}
