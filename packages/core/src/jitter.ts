/** `ms`, the upper half of it at random, so that many clients don't return together. */
export function jittered(ms: number, random: () => number): number {
  return ms * (0.5 + random() / 2)
}

/** `firstMs`, twice that, and so on up to `lastMs`, each {@link jittered}. */
export function jitteredBackoff(failures: number, firstMs: number, lastMs: number, random: () => number): number {
  return jittered(Math.min(lastMs, firstMs * 2 ** failures), random)
}
