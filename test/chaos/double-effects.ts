/** That a handler of a message has done its work. */
export interface Effect {
  /** Nanoseconds. */
  readonly at: number
  /** The process that had it, and when that was killed; `Infinity`: never. */
  readonly by: { readonly killedAt: number }
}

/**
 * Nobody can know of an effect whose process was killed before it could remember it, and then it may be repeated. So an effect is one too many if the message had been
 * remembered before it, or if a process that had an earlier one was not killed between the two.
 */
export function isDoubled(effects: readonly Effect[], rememberedAt: number): boolean {
  const sorted = effects.toSorted((a, b) => a.at - b.at)
  return sorted.some((later, index) => {
    const excused = sorted.slice(0, index).every(({ by }) => by.killedAt < later.at)
    return index > 0 && !(excused && later.at < rememberedAt)
  })
}
