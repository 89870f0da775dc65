/** Levels of the ladder: one per power of two of the tick. */
export const ladderLevels = 28
/** Shortest delay and the unit of all delays, in milliseconds. */
export const ladderTickMs = 100
/** Longest delay: (2²⁸ − 1) × 100 ms, about 310 days. */
export const ladderMaxMs: number = (2 ** ladderLevels - 1) * ladderTickMs
/** Exchange that due messages reach; every target is bound to it. */
export const ladderExit = 'busbar.delay.due'

const maxRoutingKeyBytes = 255

/** Where a delayed message goes in the end: a queue by name, or an exchange. */
export interface DelayTarget {
  readonly kind: 'queue' | 'exchange'
  readonly name: string
}

/** Name of both the exchange and the queue of one level. */
export function ladderLevel(level: number): string {
  return `busbar.delay.${String(level).padStart(2, '0')}`
}

/** Does the target's name leave room for the 28 bits in a routing key of 255 bytes? */
export function fitsLadder(target: DelayTarget): boolean {
  return Buffer.byteLength(ladderBinding(target)) <= maxRoutingKeyBytes
}

/**
 * Where to publish a message that is to arrive at `target` no earlier than in `delayMs` (1 to {@link ladderMaxMs}).
 * The routing key is the delay in ticks, 28 binary digits as words, then the target: at level n the message waits 2ⁿ ticks if digit n is 1.
 */
export function ladderRoute(delayMs: number, target: DelayTarget): { readonly exchange: string; readonly routingKey: string } {
  const ticks = Math.max(1, Math.ceil(delayMs / ladderTickMs))
  const bits = ticks.toString(2)
  if (bits.length > ladderLevels) throw new RangeError(`delayMs ${delayMs} is above ${ladderMaxMs}`)
  const words = bits.padStart(ladderLevels, '0').split('').join('.')
  // Entering at the highest digit that is set saves the broker the levels above it.
  return { exchange: ladderLevel(bits.length - 1), routingKey: `${words}.${targetWord(target)}` }
}

/** Pattern that binds a target to {@link ladderExit}. */
export function ladderBinding(target: DelayTarget): string {
  return `${'*.'.repeat(ladderLevels)}${targetWord(target)}`
}

/** Pattern for the messages that wait at a level (`1`) or skip it (`0`). */
export function levelPattern(level: number, digit: '0' | '1'): string {
  return `${'*.'.repeat(ladderLevels - 1 - level)}${digit}.#`
}

// One word, whatever the name: dots separate words in topic routing keys.
function targetWord({ kind, name }: DelayTarget): string {
  return (kind === 'queue' ? 'q:' : 'x:') + name.replaceAll('%', '%25').replaceAll('.', '%2E')
}
