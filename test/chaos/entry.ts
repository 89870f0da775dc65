import type { Effect } from './double-effects.ts'

/** What is known of one message. */
export interface Entry {
  /** A sender has it in its history. */
  sent: boolean
  confirmed: boolean
  refused: boolean
  dead: boolean
  begun: number
  /** Nanoseconds; 0: never. */
  firstBegin: number
  firstEffect: number
  /** The process that had the first effect. */
  firstBy: Effect['by'] | undefined
  /** All effects, once there are several: of most messages there is one. */
  effects: Effect[] | undefined
  /** Nanoseconds at which a process first knew that an effect is remembered. `Infinity`: never. */
  rememberedAt: number
}

export const nothing: Readonly<Entry> = {
  sent: false,
  confirmed: false,
  refused: false,
  dead: false,
  begun: 0,
  firstBegin: 0,
  firstEffect: 0,
  firstBy: undefined,
  effects: undefined,
  rememberedAt: Infinity,
}

/** It is handled, or given up. */
export function isSettled({ firstEffect, dead }: Entry): boolean {
  return firstEffect > 0 || dead
}

/** Effects come in any order. */
export function addEffect(entry: Entry, { at, by }: Effect): void {
  if (entry.firstBy !== undefined) (entry.effects ??= [{ at: entry.firstEffect, by: entry.firstBy }]).push({ at, by })
  if (entry.firstEffect > 0 && entry.firstEffect < at) return
  entry.firstEffect = at
  entry.firstBy = by
}
