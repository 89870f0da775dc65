import type { History } from './history.ts'

export interface Promised {
  /** Order per key was promised. */
  readonly ordered: boolean
  /** Idempotency was on. */
  readonly once: boolean
  /** Messages are settled one by one, for good; not where an ack waits for those before it. */
  readonly individually: boolean
}

/** The sentences of what a history breaks; empty if it keeps everything that was promised. */
export function violations(history: History, promised: Promised): string[] {
  return [
    ...lost(history),
    ...(promised.ordered ? outOfOrder(history) : []),
    ...(promised.once ? doubleEffects(history) : []),
    ...(promised.individually ? settledTwice(history) : []),
    ...afterDrain(history),
    ...history.problems,
    ...(history.unsettledPromises > 0 ? [`${history.unsettledPromises} promises never settled`] : []),
  ]
}

function lost({ sent, effects, deadLettered }: History): string[] {
  const missing = [...sent.values()].filter(({ id, outcome }) => outcome === 'confirmed' && !effects.has(id) && !deadLettered.has(id))
  return missing.map(({ id }) => `lost: ${id} was confirmed, and neither handled nor dead-lettered`)
}

/** First occurrences only: a repetition may step back. */
function outOfOrder({ sent, concluded }: History): string[] {
  const found: string[] = []
  const last = new Map<string, number>()
  const seen = new Set<string>()
  for (const id of concluded) {
    const message = sent.get(id)
    if (!message || message.key === undefined || seen.has(id)) continue
    seen.add(id)
    const before = last.get(message.key) ?? -1
    if (message.number < before) found.push(`order: ${id} (number ${message.number}) was handled after number ${before} of key ${message.key}`)
    last.set(message.key, Math.max(before, message.number))
  }
  return found
}

/** Nobody can know whether an effect took place whose process has crashed before it could store that. */
function doubleEffects({ effects, windows }: History): string[] {
  const found: string[] = []
  for (const [id, times] of effects) {
    const crashes = windows.get(id) ?? 0
    if (times > 1 + crashes) found.push(`effect: that of ${id} took place ${times} times, with ${crashes} crashes between effect and completion`)
  }
  return found
}

function settledTwice({ acks, copies }: History): string[] {
  return [...acks]
    .filter(([id, count]) => count > (copies.get(id) ?? 0))
    .map(([id, count]) => `settled: ${id} was acked ${count} times, and stored ${copies.get(id) ?? 0} times`)
}

function afterDrain({ startedAfterDrain, heldAtClose, heldAfterDrain, linksAfterDrain, leftovers }: History): string[] {
  const { ready, delayed, inFlight } = leftovers
  const found: string[] = []
  if (startedAfterDrain > 0) found.push(`drain: ${startedAfterDrain} handlers were started after it`)
  if (heldAtClose > 0) found.push(`drain: ${heldAtClose} messages were not handed back before the connection was closed`)
  if (heldAfterDrain > 0) found.push(`drain: ${heldAfterDrain} messages were held after it`)
  if (linksAfterDrain > 0) found.push(`drain: ${linksAfterDrain} connections were left open`)
  if (ready + delayed + inFlight > 0)
    found.push(`left: the broker has ${ready} ready, ${delayed} delayed, ${inFlight} in flight after everything was handled and drained`)
  return found
}
